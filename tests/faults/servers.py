"""Databases and brokers of our own, on ports and in folders of their own, that may be killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from moderation.run import TIED
from tests.integration.ports import free_port
from tests.waiting import listening, until


def make_folder(name: str) -> Path:
    """A folder that other users of this machine can reach, as PostgreSQL does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"hausordnung-{name}-"))
    folder.chmod(0o755)
    return folder


class Server:
    """A server that can be started, killed and started again."""

    patience = 60.0

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = make_folder(name)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def env(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self) -> None:
        """Start it; ``await_ready`` says when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*TIED, *self.command()],
                env=self.env(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )

    def is_ready(self) -> bool:
        return listening(self.port)

    def await_ready(self) -> None:
        until(self.is_ready, within=self.patience)

    def kill(self) -> None:
        """End it without a word of warning."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    """PostgreSQL as it is shipped: a commit is on disk."""

    def __init__(self) -> None:
        super().__init__("postgres")
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        self._bin = found[-1].parent if found else Path(shutil.which("initdb") or "initdb").parent
        self.data = self.folder / "data"
        self.data.mkdir()
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig", "INT"]
        self._as = other if os.geteuid() == 0 else []  # who becomes another user is no longer tied to us
        if self._as:
            shutil.chown(self.data, "postgres", "postgres")
        options = ["--username=moderation", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [*self._as, self._bin / "initdb", "--pgdata", self.data, *options],
            check=True, capture_output=True, cwd=self.folder,
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"postgresql://moderation@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str]:
        settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={self.data}", "max_connections=200"]
        options = [word for setting in settings for word in ("-c", setting)]
        return [*self._as, str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """Have it drop everything at once, without a checkpoint: what was committed comes back from its log."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        self.process = None


class Redis(Server):
    """Redis that keeps nothing: whatever was on its way is lost with it."""

    def __init__(self) -> None:
        super().__init__("redis")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


class Rabbit(Server):
    """RabbitMQ as a node of its own, with a name service of its own."""

    def __init__(self) -> None:
        super().__init__("rabbit")
        self._names, self._talk = free_port(), free_port()
        found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
        self._program = str(found[-1]) if found else "rabbitmq-server"
        (self.folder / "plugins").write_text("[].")
        (self.folder / "rabbit.conf").write_text("disk_free_limit.absolute = 1MB\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> list[str]:
        return [self._program]

    def env(self) -> dict[str, str]:
        return os.environ | {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "faults@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._talk),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbit.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }

    def close(self) -> None:
        self.kill()
        subprocess.run(["epmd", "-kill"], env=self.env(), check=False, capture_output=True)
        super().close()


class SmallDisk:
    """A disk of a few megabytes, to be filled and freed; without the right to mount one, there is none."""

    def __init__(self, megabytes: int) -> None:
        self.folder = make_folder("disk")
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self.folder)]
        self.is_small = subprocess.run(mount, check=False, capture_output=True).returncode == 0
        self._ballast = self.folder / "ballast"

    def fill(self) -> None:
        """Leave not a byte."""
        with suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        if self.is_small:
            deadline = time.monotonic() + 10
            while subprocess.run(["umount", self.folder], check=False, capture_output=True).returncode:
                if time.monotonic() > deadline:
                    subprocess.run(["umount", "--lazy", self.folder], check=False)
                    break
                time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)
