// Checks one request as the license validator's documentation tells its users to ("Security & Signature Verification").
// Input: {secret, headers, body (base64)} on stdin. Prints "valid" or "invalid".
const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));

// From the documentation's Node.js / Express example.
const crypto = require('crypto');
function verifyWebhookSignature(payload, signature, secret) {
const hmac = crypto.createHmac('sha256', secret);
const digest = hmac.update(payload).digest('hex');
// Use timing-safe comparison
return crypto.timingSafeEqual(
Buffer.from(signature),
Buffer.from(digest)
);
}
// End of the example.

const payload = Buffer.from(input.body, 'base64').toString('utf8');
const valid = verifyWebhookSignature(payload, input.headers['x-webhook-signature'], input.secret);
console.log(valid ? 'valid' : 'invalid');
