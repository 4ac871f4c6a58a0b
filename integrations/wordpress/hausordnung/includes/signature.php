<?php
// Signs what is sent and checks what comes, after Standard Webhooks 1.0: HMAC-SHA256 over "{id}.{timestamp}.{body}".

defined( 'ABSPATH' ) || exit;

define( 'HAUSORDNUNG_TOLERANCE', 300 ); // seconds two clocks may differ

function hausordnung_key( $secret ) {
	if ( 0 !== strpos( $secret, 'whsec_' ) ) {
		return null;
	}
	$key = base64_decode( substr( $secret, 6 ), true );
	return false === $key || strlen( $key ) < 16 ? null : $key;
}

function hausordnung_signature( $secret, $id, $timestamp, $body ) {
	return 'v1,' . base64_encode( hash_hmac( 'sha256', "$id.$timestamp.$body", hausordnung_key( $secret ), true ) );
}

function hausordnung_is_signed( WP_REST_Request $request ) {
	$secret    = hausordnung_settings()['secret'];
	$id        = (string) $request->get_header( 'webhook-id' );
	$timestamp = (string) $request->get_header( 'webhook-timestamp' );
	if ( ! $secret || '' === $id || ! ctype_digit( $timestamp ) || abs( time() - (int) $timestamp ) > HAUSORDNUNG_TOLERANCE ) {
		return false;
	}
	$wanted = hausordnung_signature( $secret, $id, $timestamp, $request->get_body() );
	foreach ( explode( ' ', (string) $request->get_header( 'webhook-signature' ) ) as $sent ) {
		if ( hash_equals( $wanted, $sent ) ) {
			return true;
		}
	}
	return false;
}
