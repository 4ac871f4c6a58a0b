<?php
// What the service is told of a comment and of the article it stands under.

defined( 'ABSPATH' ) || exit;

define( 'HAUSORDNUNG_LONGEST_BODY', 200000 ); // characters of an article; the service reads a megabyte in all

/** Text as a reader sees it: the hash of it tells later whether a decision speaks of the text that is here now. */
function hausordnung_plain( $html ) {
	$broken = preg_replace( '#<br\s*/?>|</(p|div|li|h[1-6]|blockquote)>#i', "$0\n", $html );
	return trim( html_entity_decode( wp_strip_all_tags( $broken ), ENT_QUOTES | ENT_HTML5, 'UTF-8' ) );
}

function hausordnung_time( $gmt ) {
	$time = strtotime( $gmt . ' UTC' );
	return gmdate( 'Y-m-d\TH:i:s\Z', $time > 0 ? $time : time() );
}

function hausordnung_now() {
	return gmdate( 'Y-m-d\TH:i:s\Z' );
}

function hausordnung_article( WP_Post $post ) {
	$url      = get_permalink( $post );
	$title    = hausordnung_plain( get_the_title( $post ) );
	$sections = get_the_category( $post->ID );
	$author   = get_the_author_meta( 'display_name', $post->post_author );
	$body     = hausordnung_plain( strip_shortcodes( $post->post_content ) );
	return array(
		'id'           => (string) $post->ID,
		'url'          => $url,
		'title'        => mb_substr( '' === $title ? $url : $title, 0, 1000 ),
		'lead'         => hausordnung_plain( $post->post_excerpt ),
		'body'         => mb_substr( $body, 0, HAUSORDNUNG_LONGEST_BODY ),
		'authors'      => '' === $author ? array() : array( $author ),
		'published_at' => hausordnung_time( $post->post_date_gmt ),
		'language'     => str_replace( '_', '-', substr( get_locale(), 0, 5 ) ),
		'section'      => $sections ? mb_substr( hausordnung_plain( $sections[0]->name ), 0, 200 ) : null,
	);
}

function hausordnung_comment( WP_Comment $comment, WP_Post $post ) {
	return array(
		'id'           => (string) $comment->comment_ID,
		'text'         => hausordnung_plain( $comment->comment_content ),
		'commenter'    => array(
			'id'    => $comment->user_id ? (string) $comment->user_id : null,
			'name'  => mb_substr( hausordnung_plain( $comment->comment_author ), 0, 255 ),
			'email' => $comment->comment_author_email,
			'ip'    => $comment->comment_author_IP,
		),
		'parent_id'    => $comment->comment_parent ? (string) $comment->comment_parent : null,
		'submitted_at' => hausordnung_time( $comment->comment_date_gmt ),
		'article'      => hausordnung_article( $post ),
	);
}

/** The event a line of the queue stands for, from what is true now; null where there is nothing left to say. */
function hausordnung_event( $line ) {
	$event = array( 'type' => $line->event, 'timestamp' => hausordnung_time( $line->happened_at ) );
	if ( 'comment.deleted' === $line->event ) {
		return $event + array( 'data' => array( 'id' => (string) $line->object_id ) );
	}
	if ( 0 === strpos( $line->event, 'article.' ) ) {
		$post = get_post( $line->object_id );
		return $post ? $event + array( 'data' => hausordnung_article( $post ) ) : null;
	}
	$comment = get_comment( $line->object_id );
	$post    = $comment ? get_post( $comment->comment_post_ID ) : null;
	if ( ! $post ) {
		return null;
	}
	$data = hausordnung_comment( $comment, $post );
	if ( 'comment.decided' === $line->event ) {
		$data += array( 'outcome' => $line->outcome, 'decided_at' => $event['timestamp'] );
	}
	return $event + array( 'data' => $data );
}
