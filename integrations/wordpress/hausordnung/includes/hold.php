<?php
// Holds every comment, whoever wrote it and however it came, and puts what happens to it into the queue.

defined( 'ABSPATH' ) || exit;

function hausordnung_is_readers( $type ) {
	return in_array( $type, array( '', 'comment' ), true ); // no pingbacks, no notes of shops
}

// What is spam, trash or refused already stays so; all else waits, whatever WordPress would have done.
add_filter( 'pre_comment_approved', function ( $approved, $data ) {
	$waits = ! is_wp_error( $approved ) && ! in_array( $approved, array( 'spam', 'trash' ), true );
	return $waits && hausordnung_is_readers( $data['comment_type'] ?? '' ) ? 0 : $approved;
}, 99, 2 );

add_action( 'wp_insert_comment', function ( $id, $comment ) {
	if ( defined( 'WP_IMPORTING' ) || ! hausordnung_is_readers( $comment->comment_type ) ) {
		return;
	}
	if ( '1' === (string) $comment->comment_approved ) { // it came past WordPress's own door
		hausordnung_set_status( $id, 'hold' );
		$comment = get_comment( $id );
	}
	if ( '0' === (string) $comment->comment_approved ) {
		update_comment_meta( $id, '_hausordnung_text', sha1( $comment->comment_content ) );
		hausordnung_enqueue( 'comment.created', $id );
	}
}, 10, 2 );

add_action( 'edit_comment', function ( $id ) {
	$comment = get_comment( $id );
	$hash    = sha1( $comment->comment_content );
	if ( ! hausordnung_is_readers( $comment->comment_type ) || get_comment_meta( $id, '_hausordnung_text', true ) === $hash ) {
		return;
	}
	update_comment_meta( $id, '_hausordnung_text', $hash );
	$approved = '1' === (string) $comment->comment_approved;
	if ( $approved && current_user_can( 'moderate_comments' ) ) {
		hausordnung_enqueue( 'comment.decided', $id, 'approve' );
	} elseif ( ! in_array( $comment->comment_approved, array( 'spam', 'trash' ), true ) ) {
		if ( $approved ) {
			hausordnung_set_status( $id, 'hold' );
		}
		hausordnung_enqueue( 'comment.updated', $id );
	}
} );

// Somebody decided in WordPress itself: the service's queue need not ask again, and learns from it.
add_action( 'transition_comment_status', function ( $new, $old, $comment ) {
	if ( hausordnung_is_deciding() || $new === $old || ! hausordnung_is_readers( $comment->comment_type ) ) {
		return;
	}
	$id = $comment->comment_ID;
	if ( 'approved' === $new ) {
		hausordnung_enqueue( 'comment.decided', $id, 'approve' );
	} elseif ( 'trash' === $new || ( 'spam' === $new && 'trash' !== $old ) ) {
		hausordnung_enqueue( 'comment.decided', $id, 'delete' );
	} elseif ( 'unapproved' === $new ) { // taken back: withdrawn and told anew, it is in the queue again
		hausordnung_enqueue( 'comment.deleted', $id );
		hausordnung_enqueue( 'comment.created', $id );
	}
}, 10, 3 );

// Gone for good. What lay in the bin was decided before.
add_action( 'delete_comment', function ( $id, $comment ) {
	if ( hausordnung_is_readers( $comment->comment_type ) && ! in_array( $comment->comment_approved, array( 'spam', 'trash' ), true ) ) {
		hausordnung_enqueue( 'comment.deleted', $id );
	}
}, 10, 2 );

add_action( 'post_updated', function ( $id, $after, $before ) {
	$changed = array( $after->post_title, $after->post_excerpt, $after->post_content ) !== array( $before->post_title, $before->post_excerpt, $before->post_content );
	if ( $changed && 'publish' === $after->post_status && get_comments( array( 'post_id' => $id, 'count' => true, 'status' => 'all' ) ) ) {
		hausordnung_enqueue( 'article.updated', $id );
	}
}, 10, 3 );

// Somebody closed or opened the post here: the desk shows it, and what it said before counts no more.
add_action( 'post_updated', function ( $id, $after, $before ) {
	if ( $after->comment_status === $before->comment_status || 'publish' !== $after->post_status ) {
		return;
	}
	if ( get_comments( array( 'post_id' => $id, 'count' => true, 'status' => 'all' ) ) ) {
		update_post_meta( $id, '_hausordnung_decided_at', hausordnung_now() );
		hausordnung_enqueue( 'closed' === $after->comment_status ? 'article.closed' : 'article.opened', $id );
	}
}, 20, 3 );

/** Tell of the last comments, with what became of them, so that the service can learn; return how many were queued. */
function hausordnung_send_history( $number ) {
	$comments = get_comments(
		array(
			'number'     => $number,
			'type'       => 'comment',
			'status'     => array( 'approve', 'hold', 'spam', 'trash' ),
			'orderby'    => 'comment_ID',
			'order'      => 'DESC',
			'meta_query' => array( array( 'key' => '_hausordnung_state', 'compare' => 'NOT EXISTS' ) ),
		)
	);
	foreach ( array_reverse( $comments ) as $comment ) { // parents before their answers
		update_comment_meta( $comment->comment_ID, '_hausordnung_text', sha1( $comment->comment_content ) );
		if ( '0' === (string) $comment->comment_approved ) {
			hausordnung_enqueue( 'comment.created', $comment->comment_ID );
			continue;
		}
		$binned  = (int) get_comment_meta( $comment->comment_ID, '_wp_trash_meta_time', true );
		$at      = $binned ? gmdate( 'Y-m-d H:i:s', $binned ) : $comment->comment_date_gmt;
		$outcome = '1' === (string) $comment->comment_approved ? 'approve' : 'delete';
		hausordnung_enqueue( 'comment.decided', $comment->comment_ID, $outcome, $at );
	}
	return count( $comments );
}
