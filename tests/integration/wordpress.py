"""A real WordPress of Debian's package, with its own MariaDB, in a folder that is thrown away."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.integration.ports import free_port
from tests.waiting import until

PLUGIN = Path(__file__).parents[2] / "integrations" / "wordpress" / "hausordnung"
DEBIANS = Path("/usr/share/wordpress")
LOGIN = {"log": "chefin", "pwd": "nur-fuer-tests-7"}

FEW = ("--skip-test-db", "--skip-name-resolve")
SMALL = ("--skip-networking", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0")

CONFIG = """<?php
define('DB_NAME', 'wp'); define('DB_USER', 'root'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:%(socket)s'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
    define($name . '_KEY', 'for tests ' . $name); define($name . '_SALT', 'for tests, too ' . $name);
}
define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_HOME', '%(url)s'); define('WP_SITEURL', '%(url)s');
define('AUTOMATIC_UPDATER_DISABLED', true); define('WP_AUTO_UPDATE_CORE', false);
define('WP_HTTP_BLOCK_EXTERNAL', true); define('WP_ACCESSIBLE_HOSTS', '127.0.0.1,localhost');
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""


class Blog:
    """A WordPress that runs, with the plugin copied into it and switched on; drive it through its own doors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "wp"
        self.url = f"http://127.0.0.1:{free_port()}"
        self._readers = 1
        self._start_database()
        self._start_web()
        self._install()

    def _start_database(self) -> None:
        data, self.socket = self.folder / "db", self.folder / "db.sock"
        root = ["--no-defaults", *(["--user=root"] if os.geteuid() == 0 else [])]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(
            ["mariadb-install-db", *root, f"--datadir={data}", "--auth-root-authentication-method=normal", *FEW],
            check=True,
            **quiet,  # type: ignore[call-overload]
        )
        daemon = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        self.mariadb = subprocess.Popen(
            [daemon, *root, f"--datadir={data}", f"--socket={self.socket}", f"--pid-file={data}.pid", *SMALL],
            **quiet,  # type: ignore[call-overload]
        )
        create = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root"]
        create += ["-e", "CREATE DATABASE IF NOT EXISTS wp CHARACTER SET utf8mb4"]
        until(lambda: subprocess.run(create, check=False, capture_output=True).returncode == 0, within=180)

    def _start_web(self) -> None:
        leave = shutil.ignore_patterns("wp-config.php", ".htaccess", "getid3*", "module.*", "getid3", "certificates")
        shutil.copytree(DEBIANS, self.root, symlinks=False, ignore=leave, ignore_dangling_symlinks=True)
        certificates = self.root / "wp-includes" / "certificates"
        certificates.mkdir()
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", certificates / "ca-bundle.crt")
        (self.root / "wp-config.php").write_text(CONFIG % {"socket": self.socket, "url": self.url})
        shutil.copytree(PLUGIN, self.root / "wp-content" / "plugins" / "hausordnung")
        host = self.url.removeprefix("http://")
        self.web = subprocess.Popen(
            ["php", "-d", "sendmail_path=/bin/true", "-S", host, "-t", str(self.root)],
            env=os.environ | {"PHP_CLI_SERVER_WORKERS": "4"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # its workers outlive it otherwise, and keep the port
        )
        until(lambda: self._answers("/readme.html"))

    def _answers(self, path: str) -> bool:
        try:
            return httpx.get(self.url + path, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _install(self) -> None:
        form = {"weblog_title": "Fördeblick", "user_name": LOGIN["log"], "admin_email": "chefin@example.org"}
        form |= {"admin_password": LOGIN["pwd"], "admin_password2": LOGIN["pwd"], "pw_weak": "on"}
        form |= {"blog_public": "0", "language": "de_DE"}
        answer = httpx.post(f"{self.url}/wp-admin/install.php?step=2", data=form, trust_env=False, timeout=60)
        assert answer.is_success, answer.text
        made = self.php(
            """
            require_once ABSPATH . 'wp-admin/includes/plugin.php';
            activate_plugin('hausordnung/hausordnung.php');
            // As careless as WordPress can be set: whatever the plugin holds, it holds by itself.
            update_option('comment_moderation', 0); update_option('comment_previously_approved', 0);
            update_option('timezone_string', 'Europe/Berlin');
            wp_update_term(1, 'category', ['name' => 'Lokales']);
            $editor = wp_insert_user(['user_login' => 'redaktion', 'user_pass' => 'x',
                'user_email' => 'redaktion@example.org', 'role' => 'editor']);
            [$password] = WP_Application_Passwords::create_new_application_password($editor, ['name' => 'tests']);
            $post = wp_insert_post(['post_title' => 'Die Brücke & der Umweg', 'post_status' => 'publish',
                'post_author' => 1, 'post_excerpt' => 'Ein Jahr lang gesperrt.', 'post_content' =>
                '<p>Von März an ist die alte Hafenbrücke gesperrt.</p><p>Die Umleitung führt über den Nordring.</p>']);
            echo json_encode([$password, $post]);
            """
        )
        self.password, self.post = json.loads(made)

    def php(self, code: str) -> str:
        """Run PHP inside WordPress, for what has no door of its own; return what it prints."""
        script = f"$_SERVER['HTTP_HOST'] = '{self.url[7:]}'; require '{self.root}/wp-load.php'; {code}"
        done = subprocess.run(["php", "-r", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def comment(self, text: str, *, parent: int = 0, author: str = "Jörg Möwe") -> int:
        """Post a comment with the reader's form, each time as another reader; return its id."""
        self._readers += 1
        reader = httpx.HTTPTransport(local_address=f"127.0.0.{self._readers}")
        form = {"comment": text, "author": author, "email": f"leser{self._readers}@example.org", "url": ""}
        form |= {"comment_post_ID": str(self.post), "comment_parent": str(parent)}
        with httpx.Client(transport=reader, headers={"user-agent": "Leserbrowser/1.0"}) as client:
            answer = client.post(f"{self.url}/wp-comments-post.php", data=form, timeout=30)
        assert answer.status_code == 302, answer.text
        return int(answer.headers["location"].rpartition("#comment-")[2])

    def rest(self, method: str, path: str, **body: Any) -> Any:
        """Ask WordPress's REST API as an editor."""
        auth = ("redaktion", self.password)
        answer = httpx.request(
            method, f"{self.url}/wp-json/wp/v2{path}", json=body or None, auth=auth, trust_env=False, timeout=30
        )
        assert answer.is_success, answer.text
        return answer.json()

    def read(self, comment: int) -> dict[str, Any]:
        """Return a comment as an editor sees it."""
        found: dict[str, Any] = self.rest("GET", f"/comments/{comment}?context=edit")
        return found

    def knock(self) -> None:
        """Do what any visit does: give WP-Cron a chance."""
        httpx.get(f"{self.url}/wp-cron.php?doing_wp_cron", trust_env=False, timeout=60)

    @contextmanager
    def owner(self) -> Iterator[httpx.Client]:
        """A browser in which the owner is signed in."""
        with httpx.Client(base_url=self.url, follow_redirects=True, trust_env=False, timeout=30) as client:
            client.get("/wp-login.php")
            client.post("/wp-login.php", data=LOGIN | {"testcookie": "1"})
            yield client

    def set_up(self, **settings: str) -> None:
        """Fill in the settings page."""
        with self.owner() as client:
            page = client.get("/wp-admin/options-general.php?page=hausordnung").text
            form = _hidden(page, "options.php") | {f"hausordnung[{name}]": value for name, value in settings.items()}
            saved = client.post("/wp-admin/options.php", data=form)
        assert saved.is_success, saved.text
        assert "setting-error-settings_updated" in saved.text

    def press(self, action: str, **fields: str) -> str:
        """Press a button of the settings page; return the page that comes."""
        with self.owner() as client:
            page = client.get("/wp-admin/options-general.php?page=hausordnung").text
            form = re.search(rf'value="{action}">.*?</form>', page, re.DOTALL)
            assert form, page
            hidden = _hidden(form[0], "") | {"action": action}
            return client.post("/wp-admin/admin-post.php", data=hidden | fields).text

    def stop(self) -> None:
        """Stop everything that was started."""
        os.killpg(self.web.pid, signal.SIGTERM)
        self.web.wait(20)
        self.mariadb.terminate()
        self.mariadb.wait(30)


def _hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with that action, or of the whole of a page."""
    form = re.search(rf'<form action="{action}".*?</form>', page, re.DOTALL)
    within = form[0] if form else page
    fields = re.findall(r"<input[^>]*type=['\"]hidden['\"][^>]*>", within)
    found = {}
    for field in fields:
        name, value = re.search(r"name=['\"]([^'\"]+)", field), re.search(r"value=['\"]([^'\"]*)", field)
        if name and value:
            found[name[1]] = value[1]
    return found
