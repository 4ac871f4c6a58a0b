<?php
// Does what the service's moderators decided: called at a REST route of its own, or by fetching.

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', function () {
	register_rest_route(
		'hausordnung/v1',
		'/decisions',
		array(
			'methods'             => 'POST',
			'permission_callback' => function ( $request ) {
				return hausordnung_is_signed( $request ) ? true : new WP_Error( 'wrong_signature', 'The signature does not match.', array( 'status' => 401 ) );
			},
			'callback'            => function ( WP_REST_Request $request ) {
				return hausordnung_apply( json_decode( $request->get_body(), true ) );
			},
		)
	);
} );

/** Whether we are changing a comment's status ourselves, which is no news for the service. */
function hausordnung_is_deciding( $deciding = null ) {
	static $now = false;
	$now = null === $deciding ? $now : $deciding;
	return $now;
}

/** Change a status without touching the commenter's address and browser, and without telling the service. */
function hausordnung_set_status( $id, $status ) {
	$names = array( 'hold' => 'unapproved', 'approve' => 'approved', 'trash' => 'trash' );
	if ( wp_get_comment_status( $id ) === $names[ $status ] ) {
		return;
	}
	hausordnung_is_deciding( true );
	if ( 'trash' === $status && EMPTY_TRASH_DAYS ) { // without a bin, WordPress would delete it for good
		wp_trash_comment( $id );
	} else {
		delete_comment_meta( $id, '_wp_trash_meta_status' );
		delete_comment_meta( $id, '_wp_trash_meta_time' );
		wp_set_comment_status( $id, $status );
	}
	hausordnung_is_deciding( false );
}

/** Close a post for comments or open it again. Twice is as good as once; what is older changes nothing. */
function hausordnung_apply_to_post( $data ) {
	if ( ! isset( $data['id'], $data['closed'], $data['decided_at'] ) || ! is_bool( $data['closed'] ) ) {
		return new WP_Error( 'invalid', 'This says nothing of an article.', array( 'status' => 422 ) );
	}
	$post = ctype_digit( (string) $data['id'] ) ? get_post( (int) $data['id'] ) : null;
	if ( ! $post || 'revision' === $post->post_type ) {
		return new WP_Error( 'unknown_article', 'There is no such post here.', array( 'status' => 404 ) );
	}
	$known = get_post_meta( $post->ID, '_hausordnung_decided_at', true );
	if ( $known && strtotime( $known ) > strtotime( $data['decided_at'] ) ) {
		return array( 'applied' => false, 'why' => 'older' );
	}
	$status = $data['closed'] ? 'closed' : 'open';
	if ( $post->comment_status !== $status ) {
		global $wpdb;
		// Not wp_update_post: the text was not touched, so the post is not to count as edited today.
		$wpdb->update( $wpdb->posts, array( 'comment_status' => $status ), array( 'ID' => $post->ID ) );
		clean_post_cache( $post->ID );
	}
	update_post_meta( $post->ID, '_hausordnung_decided_at', $data['decided_at'] );
	return array( 'applied' => true );
}

/** Apply one decision. Twice is as good as once; what is older, or speaks of another text, changes nothing. */
function hausordnung_apply( $message ) {
	$type = isset( $message['type'] ) ? $message['type'] : '';
	if ( in_array( $type, array( 'article.closed', 'article.opened' ), true ) ) {
		return hausordnung_apply_to_post( isset( $message['data'] ) && is_array( $message['data'] ) ? $message['data'] : array() );
	}
	$data    = isset( $message['data'] ) && is_array( $message['data'] ) ? $message['data'] : array();
	$outcome = isset( $data['outcome'] ) ? $data['outcome'] : '';
	if ( ! isset( $data['id'], $data['decided_at'] ) || ! in_array( $outcome, array( 'approve', 'delete' ), true ) ) {
		return new WP_Error( 'invalid', 'This is no decision.', array( 'status' => 422 ) );
	}
	$comment = get_comment( (int) $data['id'] );
	if ( ! $comment ) {
		return new WP_Error( 'unknown_comment', 'There is no such comment here.', array( 'status' => 404 ) );
	}
	$id       = (int) $comment->comment_ID;
	$has_text = isset( $data['text_sha256'] ) ? $data['text_sha256'] : '';
	if ( hash( 'sha256', hausordnung_plain( $comment->comment_content ) ) !== $has_text ) {
		return array( 'applied' => false, 'why' => 'another_text' );
	}
	$known = get_comment_meta( $id, '_hausordnung_decided_at', true );
	if ( $known && strtotime( $known ) > strtotime( $data['decided_at'] ) ) {
		return array( 'applied' => false, 'why' => 'older' );
	}
	hausordnung_set_status( $id, 'approve' === $outcome ? 'approve' : 'trash' );
	update_comment_meta( $id, '_hausordnung_decided_at', $data['decided_at'] );
	update_comment_meta( $id, '_hausordnung_state', 'approve' === $outcome ? 'approved' : 'deleted' );
	update_comment_meta( $id, '_hausordnung_decided_rule', wp_slash( sanitize_text_field( isset( $data['rule']['title'] ) ? $data['rule']['title'] : '' ) ) );
	return array( 'applied' => true );
}

/** Fetch decisions, apply them, and say which were heard. */
function hausordnung_fetch_decisions() {
	if ( ! hausordnung_settings()['token'] ) {
		return;
	}
	$after = '0';
	do {
		$page = hausordnung_ask( 'GET', '/api/v1/decisions?limit=100&after=' . rawurlencode( $after ) );
		if ( ! isset( $page['decisions'], $page['cursor'] ) || ! $page['decisions'] ) {
			return;
		}
		foreach ( $page['decisions'] as $decision ) {
			hausordnung_apply( $decision );
		}
		$after = (string) $page['cursor'];
		$heard = hausordnung_ask( 'POST', '/api/v1/decisions/ack', array( 'ids' => wp_list_pluck( $page['decisions'], 'webhook_id' ) ) );
	} while ( null !== $heard );
}
