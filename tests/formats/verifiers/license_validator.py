"""Checks one request as the license validator's documentation tells its users to ("Security & Signature Verification").

Input: {secret, headers, body (base64)} on stdin. Prints "valid" or "invalid".
"""
import base64
import json
import sys

# From the documentation's Python / Flask example.
import hmac
import hashlib
def verify_webhook_signature(payload, signature, secret):
    expected_signature = hmac.new(
        secret.encode('utf-8'),
        payload.encode('utf-8'),
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected_signature, signature)
# End of the example.

request = json.load(sys.stdin)
# As Flask's `get_data(as_text=True)` does.
payload = base64.b64decode(request['body']).decode('utf-8', 'replace')
valid = verify_webhook_signature(payload, request['headers']['x-webhook-signature'], request['secret'])
print('valid' if valid else 'invalid')
