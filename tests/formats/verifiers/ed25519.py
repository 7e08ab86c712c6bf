"""Ed25519 by the openssl command alone: verify, and sign for the vectors."""
import os
import subprocess
import tempfile

# The DER of a public and of a private Ed25519 key before their 32 bytes (RFC 8410).
PUBLIC = bytes.fromhex("302a300506032b6570032100")
PRIVATE = bytes.fromhex("302e020100300506032b657004220420")


def _run(arguments, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        done = subprocess.run(["openssl", "pkeyutl", "-rawin", "-keyform", "DER", *arguments], cwd=folder, capture_output=True)
        output = os.path.join(folder, "out")
        return done, open(output, "rb").read() if os.path.exists(output) else b""


def verify(public_key, message, signature):
    files = {"key": PUBLIC + public_key, "message": message, "signature": signature}
    done, _ = _run(["-verify", "-pubin", "-inkey", "key", "-in", "message", "-sigfile", "signature"], files)
    text = (done.stdout + done.stderr).decode()
    if "Signature Verified Successfully" in text:
        return True
    if "Signature Verification Failure" in text:
        return False
    raise RuntimeError(text)


def sign(private_key, message):
    files = {"key": PRIVATE + private_key, "message": message}
    done, signature = _run(["-sign", "-inkey", "key", "-in", "message", "-out", "out"], files)
    if len(signature) != 64:
        raise RuntimeError(done.stderr.decode())
    return signature


def public_of(private_key):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "key")
        with open(path, "wb") as file:
            file.write(PRIVATE + private_key)
        arguments = ["openssl", "pkey", "-inform", "DER", "-in", path, "-pubout", "-outform", "DER"]
        return subprocess.run(arguments, capture_output=True, check=True).stdout[-32:]
