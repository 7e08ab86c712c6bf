<?php
// Checks one request as the license validator's documentation tells its users to ("Security & Signature Verification").
// Input: {secret, headers, body (base64)} on stdin. Prints "valid" or "invalid".
$input = json_decode(file_get_contents('php://stdin'), true, 512, JSON_THROW_ON_ERROR);

// From the documentation's PHP example.
function verifyWebhookSignature($payload, $signature, $secret) {
$expectedSignature = hash_hmac('sha256', $payload, $secret);
return hash_equals($expectedSignature, $signature);
}
// End of the example.

$valid = verifyWebhookSignature(base64_decode($input['body'], true), $input['headers']['x-webhook-signature'], $input['secret']);
echo $valid ? 'valid' : 'invalid';
