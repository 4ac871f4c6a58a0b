<?php
// Keeps what the service's judge said of a comment beside it, and feeds the fields of WordPress's own AI plugin.

defined( 'ABSPATH' ) || exit;

/** Ask for what was said of comments that were sent and have no scores yet. */
function hausordnung_fetch_scores() {
	if ( ! hausordnung_settings()['token'] ) {
		return;
	}
	$ids = get_comments(
		array(
			'fields'     => 'ids',
			'number'     => 100,
			'status'     => array( 'approve', 'hold', 'spam', 'trash' ),
			'orderby'    => 'comment_ID',
			'order'      => 'DESC',
			'meta_query' => array(
				array( 'key' => '_hausordnung_state', 'value' => array( 'sent', 'approved', 'deleted' ), 'compare' => 'IN' ),
				array( 'key' => '_hausordnung_scores', 'compare' => 'NOT EXISTS' ),
			),
		)
	);
	if ( ! $ids ) {
		return;
	}
	$answer = hausordnung_ask( 'GET', '/api/v1/assessments?comment=' . implode( '&comment=', $ids ) );
	foreach ( isset( $answer['assessments'] ) ? $answer['assessments'] : array() as $said ) {
		hausordnung_keep_scores( $said );
	}
}

function hausordnung_keep_scores( $said ) {
	$comment = get_comment( (int) $said['comment_id'] );
	if ( ! $comment || hash( 'sha256', hausordnung_plain( $comment->comment_content ) ) !== $said['text_sha256'] ) {
		return;
	}
	$id = (int) $comment->comment_ID;
	update_comment_meta(
		$id,
		'_hausordnung_scores',
		wp_slash(
			array(
				'disrespect' => $said['disrespect'],
				'relevance'  => $said['relevance'],
				'advice'     => $said['advice'],
				'rule'       => sanitize_text_field( isset( $said['rule']['title'] ) ? $said['rule']['title'] : '' ),
			)
		)
	);
	if ( null !== $said['disrespect'] ) {
		update_comment_meta( $id, '_wpai_toxicity_score', round( $said['disrespect'], 4 ) );
		update_comment_meta( $id, '_wpai_sentiment', $said['disrespect'] >= 0.5 ? 'negative' : 'neutral' );
		update_comment_meta( $id, '_wpai_analysis_status', 'complete' );
		update_comment_meta( $id, '_wpai_analyzed_at', gmdate( 'Y-m-d H:i:s' ) );
	}
}

// A changed text has no scores until it was judged again.
add_action( 'edit_comment', function ( $id ) {
	if ( get_comment_meta( $id, '_hausordnung_state', true ) === 'queued' ) {
		delete_comment_meta( $id, '_hausordnung_scores' );
	}
}, 20 );
