<?php
/**
 * Plugin Name: Hausordnung
 * Description: Holds every comment, has it judged by your own Hausordnung service, and does what your moderators decide.
 * Version: 0.1.0
 * Requires at least: 5.6
 * Requires PHP: 7.4
 * License: Apache-2.0
 * Text Domain: hausordnung
 */

defined( 'ABSPATH' ) || exit;

define( 'HAUSORDNUNG_VERSION', '0.1.0' );

foreach ( array( 'settings', 'signature', 'payload', 'queue', 'client', 'hold', 'decisions', 'scores', 'screens' ) as $part ) {
	require_once __DIR__ . '/includes/' . $part . '.php';
}

register_activation_hook( __FILE__, 'hausordnung_activate' );
register_deactivation_hook( __FILE__, 'hausordnung_deactivate' );

function hausordnung_activate() {
	hausordnung_create_queue();
	hausordnung_schedule();
}

function hausordnung_deactivate() {
	wp_clear_scheduled_hook( 'hausordnung_minute' );
	wp_clear_scheduled_hook( 'hausordnung_soon' );
}

// German for de_DE, de_AT, de_CH and their formal siblings alike.
add_action( 'init', function () {
	$language = substr( determine_locale(), 0, 2 );
	load_textdomain( 'hausordnung', __DIR__ . "/languages/hausordnung-$language.mo" );
} );
