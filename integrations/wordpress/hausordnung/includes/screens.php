<?php
// What people see in WordPress: the settings page, a column in the comments list, a notice when something is wrong.

defined( 'ABSPATH' ) || exit;

add_action( 'admin_menu', function () {
	add_options_page( 'Hausordnung', 'Hausordnung', 'manage_options', 'hausordnung', 'hausordnung_settings_page' );
} );

add_filter( 'manage_edit-comments_columns', function ( $columns ) {
	return $columns + array( 'hausordnung' => 'Hausordnung' );
} );

add_action( 'manage_comments_custom_column', function ( $column, $id ) {
	if ( 'hausordnung' === $column ) {
		echo hausordnung_column( $id ); // phpcs:ignore WordPress.Security.EscapeOutput -- escaped below, line by line
	}
}, 10, 2 );

function hausordnung_column( $id ) {
	$states = array(
		'queued'   => __( 'waits to be sent', 'hausordnung' ),
		'sent'     => __( 'with the moderators', 'hausordnung' ),
		'approved' => __( 'approved', 'hausordnung' ),
		'deleted'  => __( 'deleted', 'hausordnung' ),
		'refused'  => __( 'refused by the service', 'hausordnung' ),
	);
	$state  = get_comment_meta( $id, '_hausordnung_state', true );
	$scores = get_comment_meta( $id, '_hausordnung_scores', true );
	$lines  = array( isset( $states[ $state ] ) ? '<strong>' . esc_html( $states[ $state ] ) . '</strong>' : '—' );
	if ( is_array( $scores ) ) {
		$lines[] = esc_html( hausordnung_percent( __( 'Disrespect: %s', 'hausordnung' ), $scores['disrespect'] ) );
		$lines[] = esc_html( hausordnung_percent( __( 'On topic: %s', 'hausordnung' ), $scores['relevance'] ) );
	}
	$rule = get_comment_meta( $id, '_hausordnung_decided_rule', true );
	$rule = $rule ? $rule : ( is_array( $scores ) ? $scores['rule'] : '' );
	if ( $rule ) {
		/* translators: %s: title of a house rule */
		$lines[] = esc_html( sprintf( __( 'Rule: %s', 'hausordnung' ), $rule ) );
	}
	$lines[] = esc_html( get_comment_meta( $id, '_hausordnung_problem', true ) );
	return implode( '<br>', array_filter( $lines ) );
}

function hausordnung_percent( $sentence, $share ) {
	return sprintf( $sentence, null === $share ? __( 'cannot tell', 'hausordnung' ) : round( 100 * $share ) . ' %' );
}

add_action( 'admin_notices', function () {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	$health = hausordnung_health();
	$page   = admin_url( 'options-general.php?page=hausordnung' );
	if ( ! hausordnung_is_set_up() ) {
		$said = __( 'Hausordnung holds all comments, but does not know your service yet.', 'hausordnung' );
	} elseif ( $health['failures'] ) {
		/* translators: 1: what went wrong, 2: number of comments */
		$said = sprintf( __( 'Your Hausordnung service cannot be reached (%1$s). %2$d messages wait; nothing is published and nothing is lost.', 'hausordnung' ), $health['problem'], hausordnung_queue_length() );
	} else {
		return;
	}
	printf( '<div class="notice notice-warning"><p>%s <a href="%s">%s</a></p></div>', esc_html( $said ), esc_url( $page ), esc_html__( 'Settings', 'hausordnung' ) );
} );

add_action( 'admin_post_hausordnung_history', function () {
	check_admin_referer( 'hausordnung_history' );
	current_user_can( 'manage_options' ) || wp_die( '', 403 );
	$queued = hausordnung_send_history( min( 10000, max( 1, (int) ( $_POST['number'] ?? 0 ) ) ) );
	wp_safe_redirect( admin_url( "options-general.php?page=hausordnung&queued=$queued" ) );
	exit;
} );

add_action( 'admin_post_hausordnung_now', function () {
	check_admin_referer( 'hausordnung_now' );
	current_user_can( 'manage_options' ) || wp_die( '', 403 );
	update_option( 'hausordnung_health', array(), false );
	hausordnung_work();
	wp_safe_redirect( admin_url( 'options-general.php?page=hausordnung' ) );
	exit;
} );

function hausordnung_settings_page() {
	$settings = hausordnung_settings();
	$kept     = __( 'kept; type to change', 'hausordnung' );
	?>
	<div class="wrap">
		<h1>Hausordnung</h1>
		<p><?php esc_html_e( 'Every comment is held, judged by your own service, and published or binned as your moderators decide there.', 'hausordnung' ); ?></p>
		<form action="options.php" method="post">
			<?php settings_fields( 'hausordnung' ); ?>
			<table class="form-table" role="presentation">
				<?php
				hausordnung_field( 'url', 'url', __( 'Address of the service', 'hausordnung' ), $settings['url'], 'https://comments.example.org' );
				hausordnung_field( 'site', 'text', __( 'Name of the site there', 'hausordnung' ), $settings['site'], '' );
				hausordnung_field( 'secret', 'password', __( 'Signing secret', 'hausordnung' ), '', $settings['secret'] ? $kept : 'whsec_…' );
				hausordnung_field( 'token', 'password', __( 'API token', 'hausordnung' ), '', $settings['token'] ? $kept : 'ho_…' );
				?>
				<tr>
					<th scope="row"><?php esc_html_e( 'How decisions come', 'hausordnung' ); ?></th>
					<td><fieldset>
						<label><input type="radio" name="hausordnung[mode]" value="push" <?php checked( $settings['mode'], 'push' ); ?>>
							<?php esc_html_e( 'The service calls this site at', 'hausordnung' ); ?> <code><?php echo esc_html( rest_url( 'hausordnung/v1/decisions' ) ); ?></code></label><br>
						<label><input type="radio" name="hausordnung[mode]" value="pull" <?php checked( $settings['mode'], 'pull' ); ?>>
							<?php esc_html_e( 'This site asks every minute (it cannot be called from outside; needs the token)', 'hausordnung' ); ?></label>
					</fieldset></td>
				</tr>
			</table>
			<?php submit_button(); ?>
		</form>
		<h2><?php esc_html_e( 'On the way', 'hausordnung' ); ?></h2>
		<p>
			<?php
			/* translators: %d: number of messages */
			echo esc_html( sprintf( __( 'Messages waiting to be sent: %d', 'hausordnung' ), hausordnung_queue_length() ) );
			?>
		</p>
		<?php hausordnung_button( 'hausordnung_now', __( 'Send now', 'hausordnung' ), '' ); ?>
		<h2><?php esc_html_e( 'History', 'hausordnung' ); ?></h2>
		<p><?php esc_html_e( 'Comments you published or binned before are examples the service learns from. Each is sent once.', 'hausordnung' ); ?></p>
		<?php
		if ( isset( $_GET['queued'] ) ) { // phpcs:ignore WordPress.Security.NonceVerification -- only a number that is shown
			/* translators: %d: number of comments */
			printf( '<div class="notice notice-success inline"><p>%s</p></div>', esc_html( sprintf( __( 'Comments on their way: %d', 'hausordnung' ), (int) $_GET['queued'] ) ) );
		}
		$number = '<label>' . esc_html__( 'Number', 'hausordnung' ) . ' <input type="number" name="number" min="1" max="10000" value="1000"></label> ';
		hausordnung_button( 'hausordnung_history', __( 'Send the last comments', 'hausordnung' ), $number );
		?>
	</div>
	<?php
}

function hausordnung_field( $name, $type, $label, $value, $placeholder ) {
	printf(
		'<tr><th scope="row"><label for="hausordnung-%1$s">%2$s</label></th><td><input class="regular-text" id="hausordnung-%1$s" name="hausordnung[%1$s]" type="%3$s" value="%4$s" placeholder="%5$s" autocomplete="off"></td></tr>',
		esc_attr( $name ),
		esc_html( $label ),
		esc_attr( $type ),
		esc_attr( $value ),
		esc_attr( $placeholder )
	);
}

function hausordnung_button( $action, $label, $fields ) {
	echo '<form action="' . esc_url( admin_url( 'admin-post.php' ) ) . '" method="post">';
	echo '<input type="hidden" name="action" value="' . esc_attr( $action ) . '">';
	wp_nonce_field( $action );
	echo $fields; // phpcs:ignore WordPress.Security.EscapeOutput -- made and escaped by the caller
	submit_button( $label, 'secondary', 'submit', false );
	echo '</form>';
}
