<?php
/**
 * Plugin Name: Akismet asks here
 * Description: Lets Akismet's plugin ask the Hausordnung service that AKISMET_HERE in wp-config.php names. Belongs into wp-content/mu-plugins.
 * License: Apache-2.0
 */

add_filter(
	'pre_http_request',
	function ( $answer, $args, $url ) {
		$host = (string) wp_parse_url( $url, PHP_URL_HOST );
		if ( ! defined( 'AKISMET_HERE' ) || ! preg_match( '/(^|\.)rest\.akismet\.com$/', $host ) ) {
			return $answer;
		}
		unset( $args['headers']['Host'] );
		$path = strstr( substr( $url, strlen( 'https://' ) ), '/' );
		return wp_remote_request( untrailingslashit( AKISMET_HERE ) . $path, $args );
	},
	10,
	3
);
