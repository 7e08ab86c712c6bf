"""Checks one request by GitHub's rule, https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries:
"X-Hub-Signature-256" is "sha256=" and the hexadecimal HMAC-SHA256 of the body under the webhook's secret.

Input: {secret, headers, body (base64)} on stdin. Prints "valid" or "invalid".
"""
import base64
import hashlib
import hmac
import json
import sys
import uuid

request = json.load(sys.stdin)
headers = request["headers"]
uuid.UUID(headers["x-github-delivery"])
assert headers["x-github-event"]
mac = hmac.new(request["secret"].encode(), msg=base64.b64decode(request["body"]), digestmod=hashlib.sha256)
print("valid" if hmac.compare_digest("sha256=" + mac.hexdigest(), headers["x-hub-signature-256"]) else "invalid")
