<?php
// What the owner of the site sets: address, name and keys of the service, and how decisions come.

defined( 'ABSPATH' ) || exit;

function hausordnung_settings() {
	return wp_parse_args(
		get_option( 'hausordnung', array() ),
		array( 'url' => '', 'site' => '', 'secret' => '', 'token' => '', 'mode' => 'push' )
	);
}

function hausordnung_is_set_up() {
	$settings = hausordnung_settings();
	return $settings['url'] && $settings['site'] && $settings['secret'];
}

function hausordnung_clean_settings( $given ) {
	$known = hausordnung_settings();
	$given = wp_parse_args( (array) $given, array( 'url' => '', 'site' => '', 'secret' => '', 'token' => '', 'mode' => 'push' ) );
	$clean = array(
		'url'  => untrailingslashit( esc_url_raw( trim( $given['url'] ), array( 'http', 'https' ) ) ),
		'site' => sanitize_title( $given['site'] ),
		'mode' => 'pull' === $given['mode'] ? 'pull' : 'push',
	);
	foreach ( array( 'secret', 'token' ) as $key ) { // an empty field keeps what is known: it is never shown again
		$typed         = preg_replace( '/\s+/', '', (string) $given[ $key ] );
		$clean[ $key ] = '' === $typed ? $known[ $key ] : $typed;
	}
	if ( $clean['secret'] && null === hausordnung_key( $clean['secret'] ) ) {
		add_settings_error( 'hausordnung', 'secret', __( 'The secret must look like whsec_… as the service printed it.', 'hausordnung' ) );
		$clean['secret'] = $known['secret'];
	}
	update_option( 'hausordnung_health', array(), false ); // try at once with what is new
	return $clean;
}

add_action( 'admin_init', function () {
	register_setting( 'hausordnung', 'hausordnung', array( 'sanitize_callback' => 'hausordnung_clean_settings' ) );
} );
