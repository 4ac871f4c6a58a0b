<?php
// What is still to be told to the service. A line leaves only when the service has taken it: nothing is lost on the way.

defined( 'ABSPATH' ) || exit;

function hausordnung_table() {
	return $GLOBALS['wpdb']->prefix . 'hausordnung_queue';
}

function hausordnung_create_queue() {
	global $wpdb;
	require_once ABSPATH . 'wp-admin/includes/upgrade.php';
	dbDelta(
		'CREATE TABLE ' . hausordnung_table() . " (
		id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
		event varchar(20) NOT NULL,
		object_id bigint(20) unsigned NOT NULL,
		outcome varchar(10) NOT NULL DEFAULT '',
		webhook_id varchar(40) NOT NULL,
		happened_at datetime NOT NULL,
		PRIMARY KEY  (id)
		) {$wpdb->get_charset_collate()};"
	);
}

function hausordnung_enqueue( $event, $object_id, $outcome = '', $happened_at = null ) {
	global $wpdb;
	$wpdb->insert(
		hausordnung_table(),
		array(
			'event'       => $event,
			'object_id'   => $object_id,
			'outcome'     => $outcome,
			'webhook_id'  => 'wp_' . bin2hex( random_bytes( 16 ) ),
			'happened_at' => $happened_at ? $happened_at : gmdate( 'Y-m-d H:i:s' ),
		)
	);
	if ( 0 === strpos( $event, 'comment.' ) && 'comment.deleted' !== $event ) {
		update_comment_meta( $object_id, '_hausordnung_state', 'queued' );
	}
	hausordnung_soon();
}

function hausordnung_queue_length() {
	global $wpdb;
	return (int) $wpdb->get_var( 'SELECT COUNT(*) FROM ' . hausordnung_table() );
}

/** Work the queue off right after this request, in a request of its own: no reader waits for the service. */
function hausordnung_soon() {
	wp_clear_scheduled_hook( 'hausordnung_soon' ); // WordPress refuses a second one within ten minutes
	wp_schedule_single_event( time() + hausordnung_wait(), 'hausordnung_soon' );
	if ( ! has_action( 'shutdown', 'hausordnung_wake_cron' ) ) {
		add_action( 'shutdown', 'hausordnung_wake_cron' );
	}
}

function hausordnung_wake_cron() {
	if ( ! wp_doing_cron() && ! ( defined( 'DISABLE_WP_CRON' ) && DISABLE_WP_CRON ) ) {
		spawn_cron();
	}
}

function hausordnung_schedule() {
	if ( ! wp_next_scheduled( 'hausordnung_minute' ) ) {
		wp_schedule_event( time(), 'hausordnung_minute', 'hausordnung_minute' );
	}
}

add_filter( 'cron_schedules', function ( $schedules ) {
	$schedules['hausordnung_minute'] = array( 'interval' => 60, 'display' => 'Hausordnung' );
	return $schedules;
} );
add_action( 'init', 'hausordnung_schedule' );
add_action( 'hausordnung_minute', 'hausordnung_work' );
add_action( 'hausordnung_soon', 'hausordnung_work' );

/** Send what waits, fetch decisions if the blog cannot be called, and ask for scores. One process at a time. */
function hausordnung_work() {
	global $wpdb;
	if ( ! hausordnung_is_set_up() || hausordnung_wait() > 0 ) {
		return;
	}
	$lock = substr( DB_NAME . '.' . hausordnung_table(), 0, 64 );
	if ( '1' !== (string) $wpdb->get_var( $wpdb->prepare( 'SELECT GET_LOCK(%s, 0)', $lock ) ) ) {
		return;
	}
	$until = time() + 45;
	while ( time() < $until && hausordnung_send_next() ) {
		continue;
	}
	if ( 'pull' === hausordnung_settings()['mode'] && 0 === hausordnung_wait() ) {
		hausordnung_fetch_decisions();
	}
	if ( 0 === hausordnung_wait() ) {
		hausordnung_fetch_scores();
	}
	$wpdb->get_var( $wpdb->prepare( 'SELECT RELEASE_LOCK(%s)', $lock ) );
}

/** Send the oldest line that was not put off in this run; false where there is none or the service must be waited for. */
function hausordnung_send_next() {
	global $wpdb;
	static $put_off = array( 0 );
	$line = $wpdb->get_row( 'SELECT * FROM ' . hausordnung_table() . ' WHERE id NOT IN (' . implode( ',', $put_off ) . ') ORDER BY id LIMIT 1' );
	if ( ! $line ) {
		return false;
	}
	$event  = hausordnung_event( $line );
	$answer = null === $event ? array( 'status' => 204 ) : hausordnung_post_event( $event, $line->webhook_id );
	$status = $answer['status'];
	$code   = isset( $answer['body']['code'] ) ? $answer['body']['code'] : '';
	if ( 404 === $status && 'unknown_comment' === $code ) { // the service never heard of it: tell it all
		$status = 204;
		if ( 'comment.updated' === $line->event ) {
			$wpdb->update( hausordnung_table(), array( 'event' => 'comment.created' ), array( 'id' => $line->id ) );
			return true;
		}
	}
	if ( 200 <= $status && $status < 300 ) {
		hausordnung_is_well();
		hausordnung_mark( $line, 'sent' );
	} elseif ( in_array( $status, array( 400, 413, 422 ), true ) ) { // it will never be taken: shown, and held for people
		hausordnung_mark( $line, 'refused', isset( $answer['body']['detail'] ) ? $answer['body']['detail'] : (string) $status );
	} elseif ( 429 === $status && 'reader_too_many' === $code ) { // one reader floods: all others go on, and this in a minute
		$put_off[] = (int) $line->id;
		return true;
	} else {
		hausordnung_is_away( $answer );
		if ( 500 === $status ) { // it may be this message that the service stumbles over: let the others by first
			$last = (int) $wpdb->get_var( 'SELECT MAX(id) FROM ' . hausordnung_table() );
			$wpdb->query( $wpdb->prepare( 'INSERT INTO ' . hausordnung_table() . ' (event, object_id, outcome, webhook_id, happened_at) SELECT event, object_id, outcome, webhook_id, happened_at FROM ' . hausordnung_table() . ' WHERE id = %d AND id < %d', $line->id, $last ) );
			$wpdb->query( $wpdb->prepare( 'DELETE FROM ' . hausordnung_table() . ' WHERE id = %d AND id < %d', $line->id, $last ) );
		}
		return false;
	}
	$wpdb->delete( hausordnung_table(), array( 'id' => $line->id ) );
	return true;
}

function hausordnung_mark( $line, $state, $problem = '' ) {
	if ( 0 !== strpos( $line->event, 'comment.' ) || ! get_comment( $line->object_id ) ) {
		return;
	}
	if ( 'sent' === $state && 'comment.decided' === $line->event ) {
		$state = 'approve' === $line->outcome ? 'approved' : 'deleted';
	}
	update_comment_meta( $line->object_id, '_hausordnung_state', $state );
	update_comment_meta( $line->object_id, '_hausordnung_problem', $problem );
}
