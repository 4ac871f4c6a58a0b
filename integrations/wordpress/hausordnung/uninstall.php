<?php
// Takes away what the plugin kept. What WordPress knows of the comments stays as it is.

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

global $wpdb;
$wpdb->query( "DROP TABLE IF EXISTS {$wpdb->prefix}hausordnung_queue" );
$wpdb->query( "DELETE FROM {$wpdb->commentmeta} WHERE meta_key LIKE '\\_hausordnung\\_%'" );
$wpdb->query( "DELETE FROM {$wpdb->postmeta} WHERE meta_key LIKE '\\_hausordnung\\_%'" );
delete_option( 'hausordnung' );
delete_option( 'hausordnung_health' );
wp_clear_scheduled_hook( 'hausordnung_minute' );
wp_clear_scheduled_hook( 'hausordnung_soon' );
