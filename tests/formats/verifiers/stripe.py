"""Checks one request by Stripe's manual rule, https://docs.stripe.com/webhooks#verify-manually: split the header at "," and
"=", sign "<t>.<body>" with the whole endpoint secret, compare with every v1, and look at the age.

Input: {secret, headers, body (base64)} on stdin. Prints "valid" or "invalid".
"""
import base64
import hashlib
import hmac
import json
import sys
import time

request = json.load(sys.stdin)
pairs = [pair.split("=", 1) for pair in request["headers"]["stripe-signature"].split(",")]
timestamp = next(value for name, value in pairs if name == "t")
assert abs(time.time() - int(timestamp)) < 300, "too old"
payload = timestamp.encode() + b"." + base64.b64decode(request["body"])
expected = hmac.new(request["secret"].encode(), payload, hashlib.sha256).hexdigest()
valid = any(name == "v1" and hmac.compare_digest(value, expected) for name, value in pairs)
print("valid" if valid else "invalid")
