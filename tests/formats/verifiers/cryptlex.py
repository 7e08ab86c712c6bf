"""Checks one request as Cryptlex's documentation describes it: "Webhook-Signature" is base64, "generated using the HMAC256
algorithm" with the webhook's token; the documented example decodes to 32 bytes.

Input: {secret, headers, body (base64)} on stdin. Prints "valid" or "invalid".
"""
import base64
import hashlib
import hmac
import json
import sys

request = json.load(sys.stdin)
signature = base64.b64decode(request["headers"]["webhook-signature"], validate=True)
assert len(signature) == 32, "an HMAC-SHA256 has 32 bytes"
assert request["headers"]["content-type"] == "application/json; charset=utf-8"
expected = hmac.digest(request["secret"].encode(), base64.b64decode(request["body"]), "sha256")
print("valid" if hmac.compare_digest(signature, expected) else "invalid")
