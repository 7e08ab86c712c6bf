"""Makes the vectors beside it from the published rules, with Python's hashlib and the openssl command: nothing of Waxwing's.

Run it to see where each byte comes from; the files are committed, and the test compares our output with them.
"""
import base64
import hashlib
import hmac
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "verifiers"))
import ed25519

DATA = '{ "b":1.0,"a" : "é\\u00e9\\/\\"","n":null ,\n\t"e":[ ] }'
EVENT = {"id": "evt_0d5v8k2m9q3xa", "type": "license.created", "environment": "production",
         "occurredAt": "2018-04-20T13:11:34.692Z", "contentType": "application/json", "data": DATA}
SECONDS_OF_EVENT = 1524229894
ATTEMPT = {"delivery": "delivery_0d5v8k2m9q7zz", "at": "2026-01-02T03:04:05.678Z", "url": "https://example.com:8443/hook?a=1%202"}
SECONDS = "1767323045"
DATE = "Fri, 02 Jan 2026 03:04:05 GMT"
SHARED = ["whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2)]
SEED = bytes(range(32))
PRIVATE = "whsk_" + base64.b64encode(SEED + ed25519.public_of(SEED)).decode()
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def key(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


def b64(tag):
    return base64.b64encode(tag).decode()


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256)


def write(name, source, format, secrets, content_type, body, headers, event=EVENT, options=None):
    vector = {"source": source, "format": format, "options": options or {}, "secrets": secrets, "event": event,
              "attempt": ATTEMPT, "expected": {"contentType": content_type, "body": body, "headers": headers}}
    with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as file:
        json.dump(vector, file, indent=2, ensure_ascii=False)
        file.write("\n")


def standard(names, secrets, body):
    text = f"{EVENT['id']}.{SECONDS}.{body}"
    signed = [f"v1a,{b64(ed25519.sign(SEED, text.encode()))}" if secret == PRIVATE else f"v1,{b64(mac(key(secret), text).digest())}"
              for secret in secrets]
    return dict(zip(names, [EVENT["id"], SECONDS, " ".join(signed)]))


SPECIFICATION = "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"
WEBHOOK = ["webhook-id", "webhook-timestamp", "webhook-signature"]
SVIX = ["svix-id", "svix-timestamp", "svix-signature"]
JSON = "application/json"

body = '{"type":"license.created","timestamp":"2018-04-20T13:11:34.692Z","data":' + DATA + "}"
write("standard", SPECIFICATION, "standard", SHARED[:1], JSON, body, standard(WEBHOOK, SHARED[:1], body))
write("standard-rotated", SPECIFICATION, "standard", [PRIVATE, *SHARED], JSON, body, standard(WEBHOOK, [PRIVATE, *SHARED], body))
write("svix", "https://docs.svix.com/receiving/verifying-payloads/how-manual", "svix", SHARED, JSON, DATA, standard(SVIX, SHARED, DATA))
plain = EVENT | {"contentType": "text/plain; charset=utf-8", "data": "no JSON, ünquoted"}
write("svix-text", "the same, with data that isn't JSON", "svix", SHARED[:1], plain["contentType"], plain["data"],
      standard(SVIX, SHARED[:1], plain["data"]), event=plain)

body = '{"event":"license.created","data":' + DATA + ',"triggeredAt":"2018-04-20T13:11:34.6920000Z"}'
write("cryptlex", "https://docs.cryptlex.com, Webhooks", "cryptlex", ["any token ü"], "application/json; charset=utf-8", body,
      {"webhook-signature": b64(mac("any token ü".encode(), body).digest())})

body = '{"event":"license.created","timestamp":"2018-04-20T13:11:34.692Z","data":' + DATA + "}"
write("license-validator", "the license validator's webhook documentation", "license-validator", SHARED[:1], JSON, body,
      {"x-webhook-signature": mac(SHARED[0].encode(), body).hexdigest(), "x-webhook-delivery": ATTEMPT["delivery"]})

number = 0
for digit in EVENT["id"].removeprefix("evt_"):
    number = number * 32 + DIGITS.index(digit)
hexa = f"{(number >> 16) << 80 | 8 << 76 | ((number >> 4) & 0xfff) << 64 | 2 << 62 | (number & 15) << 58:032x}"
guid = "-".join([hexa[:8], hexa[8:12], hexa[12:16], hexa[16:20], hexa[20:]])
write("github", "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries", "github", ["It's a Secret"],
      JSON, DATA, {"x-github-event": "license.created", "x-github-delivery": guid,
                   "x-hub-signature-256": "sha256=" + mac(b"It's a Secret", DATA).hexdigest()})

body = ('{"id":"' + EVENT["id"] + f'","object":"event","api_version":null,"created":{SECONDS_OF_EVENT},"data":' + '{"object":' + DATA
        + '},"livemode":true,"pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"license.created"}')
signed = [f"v1={mac(secret.encode(), f'{SECONDS}.{body}').hexdigest()}" for secret in SHARED]
write("stripe", "https://docs.stripe.com/webhooks#verify-manually", "stripe", SHARED, JSON, body,
      {"stripe-signature": ",".join([f"t={SECONDS}", *signed])})

account = "1fddcec8-8dd3-4d8d-9b16-215cac0f9b52"
escaped = DATA.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
time = EVENT["occurredAt"]
body = ('{"data":{"id":"' + ATTEMPT["delivery"] + '","type":"webhook-events","attributes":{"endpoint":"' + ATTEMPT["url"]
        + '","payload":"' + escaped + '","event":"license.created","status":"DELIVERING","created":"' + time + '","updated":"' + time
        + '"},"relationships":{"account":{"links":{"related":"/v1/accounts/' + account + '"},"data":{"type":"accounts","id":"'
        + account + '"}}},"meta":{"idempotencyToken":"' + EVENT["id"] + '"}}}')
assert json.loads(json.loads(body)["data"]["attributes"]["payload"]) == json.loads(DATA)
digest = "sha-256=" + b64(hashlib.sha256(body.encode()).digest())
message = f"(request-target): post /hook?a=1%202\nhost: example.com:8443\ndate: {DATE}\ndigest: {digest}"
signature = b64(ed25519.sign(SEED, message.encode()))
write("keygen", "https://keygen.sh/docs/api/signatures/", "keygen", [PRIVATE], "application/vnd.api+json", body,
      {"date": DATE, "digest": digest, "keygen-date": DATE, "keygen-digest": digest,
       "keygen-signature": f'keyid="{account}", algorithm="ed25519", signature="{signature}", '
                           'headers="(request-target) host date digest"'}, options={"account": account})
