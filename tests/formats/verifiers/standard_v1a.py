"""Checks one request by the asymmetric scheme of Standard Webhooks,
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: "v1a,<base64>" is the Ed25519
signature of "<id>.<timestamp>.<body>"; the public key is "whpk_<base64>".

Input: {secret (the public key), headers, body (base64)} on stdin. Prints "valid" or "invalid".
"""
import base64
import json
import sys

import ed25519

request = json.load(sys.stdin)
headers = request["headers"]
prefix = "svix" if "svix-id" in headers else "webhook"
message = f"{headers[prefix + '-id']}.{headers[prefix + '-timestamp']}.".encode() + base64.b64decode(request["body"])
assert request["secret"].startswith("whpk_")
key = base64.b64decode(request["secret"][5:])
signatures = [part[4:] for part in headers[prefix + "-signature"].split(" ") if part.startswith("v1a,")]
assert signatures, "no v1a signature"
print("valid" if any(ed25519.verify(key, message, base64.b64decode(text)) for text in signatures) else "invalid")
