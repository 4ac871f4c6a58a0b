<?php
// Speaks to the service, and remembers how long to leave it alone when it does not answer.

defined( 'ABSPATH' ) || exit;

function hausordnung_request( $method, $path, $headers, $body = null ) {
	$response = wp_remote_request(
		hausordnung_settings()['url'] . $path,
		array(
			'method'      => $method,
			'timeout'     => 10,
			'redirection' => 0,
			'headers'     => $headers + array( 'Content-Type' => 'application/json' ),
			'user-agent'  => 'Hausordnung-WordPress/' . HAUSORDNUNG_VERSION,
			'body'        => $body,
		)
	);
	if ( is_wp_error( $response ) ) {
		return array( 'status' => 0, 'body' => array(), 'problem' => $response->get_error_message(), 'wait' => 0 );
	}
	$status = (int) wp_remote_retrieve_response_code( $response );
	$parsed = json_decode( wp_remote_retrieve_body( $response ), true );
	$parsed = is_array( $parsed ) ? $parsed : array();
	return array(
		'status'  => $status,
		'body'    => $parsed,
		'problem' => "HTTP $status" . ( isset( $parsed['detail'] ) ? ': ' . $parsed['detail'] : '' ),
		'wait'    => hausordnung_retry_after( (string) wp_remote_retrieve_header( $response, 'retry-after' ) ),
	);
}

function hausordnung_retry_after( $value ) {
	if ( ctype_digit( $value ) ) {
		return min( (int) $value + 1, DAY_IN_SECONDS ); // time() leaves out the part of a second that has gone by
	}
	$date = $value ? strtotime( $value ) : false;
	return $date ? min( max( 0, $date - time() ), DAY_IN_SECONDS ) : 0;
}

function hausordnung_post_event( $event, $webhook_id ) {
	$settings  = hausordnung_settings();
	$body      = wp_json_encode( $event, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE );
	$timestamp = (string) time();
	return hausordnung_request(
		'POST',
		'/webhooks/' . rawurlencode( $settings['site'] ) . '/comments',
		array(
			'webhook-id'        => $webhook_id,
			'webhook-timestamp' => $timestamp,
			'webhook-signature' => hausordnung_signature( $settings['secret'], $webhook_id, $timestamp, $body ),
		),
		$body
	);
}

/** Ask with the site's token; null where the service must be waited for or refuses. */
function hausordnung_ask( $method, $path, $body = null ) {
	$answer = hausordnung_request(
		$method,
		$path,
		array( 'Authorization' => 'Bearer ' . hausordnung_settings()['token'] ),
		null === $body ? null : wp_json_encode( $body )
	);
	$status = $answer['status'];
	if ( 200 === $status ) {
		return $answer['body'];
	}
	if ( 0 === $status || 429 === $status || $status >= 500 ) {
		hausordnung_is_away( $answer );
	} else { // a wrong token is shown, but keeps no comment from being sent
		update_option( 'hausordnung_health', array( 'failures' => 1, 'until' => 0, 'problem' => $answer['problem'] ), false );
	}
	return null;
}

function hausordnung_health() {
	return wp_parse_args( get_option( 'hausordnung_health', array() ), array( 'failures' => 0, 'until' => 0, 'problem' => '' ) );
}

function hausordnung_wait() {
	return max( 0, hausordnung_health()['until'] - time() );
}

function hausordnung_is_well() {
	if ( hausordnung_health()['failures'] ) {
		update_option( 'hausordnung_health', array(), false );
	}
}

/** Leave the service alone for as long as it asks, or else for half a minute, a minute, two, … an hour at most. */
function hausordnung_is_away( $answer ) {
	$failures = hausordnung_health()['failures'] + 1;
	$wait     = $answer['wait'] ? $answer['wait'] : min( HOUR_IN_SECONDS, 30 * pow( 2, min( $failures - 1, 7 ) ) );
	update_option(
		'hausordnung_health',
		array( 'failures' => $failures, 'until' => time() + $wait, 'problem' => $answer['problem'] ),
		false
	);
	wp_clear_scheduled_hook( 'hausordnung_soon' );
	wp_schedule_single_event( time() + $wait, 'hausordnung_soon' );
}
