"""Checks one request by Keygen's rule, https://keygen.sh/docs/api/signatures/: the digest of the body first, then the
Ed25519 signature, which names the headers that it covers.

Input: {secret (the public key in hex), method, target, headers, body (base64)} on stdin. Prints "valid" or "invalid".
"""
import base64
import hashlib
import json
import re
import sys

import ed25519


def valid(request):
    headers, body = request["headers"], base64.b64decode(request["body"])
    digest = "sha-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
    if headers["digest"] != digest:
        return False
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', headers["keygen-signature"]))
    assert parameters["algorithm"] == "ed25519", parameters
    assert parameters["headers"].split() == ["(request-target)", "host", "date", "digest"], parameters
    assert headers["keygen-date"] == headers["date"] and headers["keygen-digest"] == headers["digest"]
    values = {"(request-target)": f"{request['method'].lower()} {request['target']}", **headers}
    message = "\n".join(f"{name}: {values[name]}" for name in parameters["headers"].split())
    return ed25519.verify(bytes.fromhex(request["secret"]), message.encode(), base64.b64decode(parameters["signature"]))


print("valid" if valid(json.load(sys.stdin)) else "invalid")
