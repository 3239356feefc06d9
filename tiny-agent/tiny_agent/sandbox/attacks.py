"""Attacks on the sandbox, each of which prints ESCAPED if it gets through: `python main.py sandbox selftest` runs them.

A name, and a program. Programs that only want to use up something (time, memory, disk, processes) print nothing: what
counts for them is that they end in time and leave nothing behind, which run.py watches for all of them.
"""

from dataclasses import dataclass

MARK = "ESCAPED"
HELPERS = """
import os, sys
def got(value=True):
    if value:
        print("ESCAPED", str(value)[:100], flush=True)
def attempt(function):
    try:
        got(function())
    except BaseException as error:
        print("held:", type(error).__name__, error, flush=True)
"""


@dataclass(frozen=True)
class Attack:
    """`kind` groups them by what they are after."""

    kind: str
    name: str
    code: str

    @property
    def program(self) -> str:
        return HELPERS + self.code


def _reads(*paths: str) -> list[Attack]:
    return [Attack("files", f"read {path}", f"attempt(lambda: open({path!r}, 'rb').read(200))") for path in paths]


def _attempts(kind: str, **codes: str) -> list[Attack]:
    return [Attack(kind, name.replace("_", " "), code) for name, code in codes.items()]


LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
ATTACKS: list[Attack] = [
    *_reads("/etc/passwd", "/etc/shadow", "/etc/hostname", "/proc/self/environ", "/proc/1/environ", "/proc/self/maps",
            "/proc/self/mem", "/proc/cpuinfo", "/proc/version", "/proc/net/tcp", "/sys/kernel/notes", "/dev/mem",
            "/dev/kmsg", "/root/.bashrc", "/root/.ssh/id_rsa", "/home", "/var/log/syslog", "/dev/tty"),
    *_attempts(
        "files",
        list_root="attempt(lambda: os.listdir('/'))",
        list_tmp="attempt(lambda: [n for n in os.listdir('/tmp')])",
        list_home="attempt(lambda: os.listdir(os.path.expanduser('~root')))",
        list_proc="attempt(lambda: os.listdir('/proc'))",
        list_fds="attempt(lambda: os.listdir('/proc/self/fd'))",
        parent_folder="attempt(lambda: os.listdir('..'))",
        write_tmp="attempt(lambda: open('/tmp/tiny-agent-escape', 'w').write('x'))",
        write_home="attempt(lambda: open('/root/escape', 'w').write('x'))",
        write_lib="attempt(lambda: open(os.__file__, 'a').write('#'))",
        symlink_out="attempt(lambda: (os.symlink('/etc/passwd', 'link'), open('link').read())[1])",
        hardlink_out="attempt(lambda: (os.link('/etc/passwd', 'hard'), open('hard').read())[1])",
        dotdot="attempt(lambda: open('../../../../../../etc/passwd').read())",
        open_by_fd="attempt(lambda: os.open('etc/passwd', os.O_RDONLY, dir_fd=os.open('/', os.O_PATH)))",
        chdir_root="attempt(lambda: (os.chdir('/etc'), open('passwd').read())[1])",
        chroot="attempt(lambda: (os.chroot('.'), True)[1])",
        rename_out="open('a', 'w').write('x')\nattempt(lambda: (os.rename('a', '/tmp/tiny-agent-moved'), True)[1])",
        mount=LIBC + "attempt(lambda: libc.mount(b'none', b'.', b'tmpfs', 0, None) == 0)",
        chmod_outside="attempt(lambda: (os.chmod('/tmp', 0o777), True)[1])",
        inherited_fds="for fd in range(3, 64):\n    attempt(lambda: os.read(fd, 10))",
    ),
    *_attempts(
        "environment",
        environment="got({k: v for k, v in os.environ.items() if k not in ('LC_CTYPE',)})",
        getenv_c=LIBC + "libc.getenv.restype = ctypes.c_char_p\ngot(libc.getenv(b'PATH') or libc.getenv(b'HOME'))",
        other_processes="attempt(lambda: os.sched_getscheduler(1) >= 0 and os.getpgid(1) >= 0 and os.getsid(1))",
        user_database="import pwd\nattempt(lambda: pwd.getpwall())",
    ),
    *_attempts(
        "network",
        tcp="import socket\nattempt(lambda: socket.create_connection(('127.0.0.1', 22), 1))",
        tcp_far="import socket\nattempt(lambda: socket.create_connection(('1.1.1.1', 80), 1))",
        udp=(
            "import socket\n"
            "attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', "
            "53)))"
        ),
        unix_socket="import socket\nattempt(lambda: socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock'))",
        abstract_socket="import socket\nattempt(lambda: socket.socket(socket.AF_UNIX).bind('\\0tiny'))",
        raw_socket="import socket\nattempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))",
        netlink="import socket\nattempt(lambda: socket.socket(16, 3, 0))",
        socketpair="import socket\nattempt(lambda: socket.socketpair())",
        dns="import socket\nattempt(lambda: socket.getaddrinfo('example.org', 80))",
        url="import urllib.request\nattempt(lambda: urllib.request.urlopen('http://127.0.0.1', timeout=1))",
        listen="import socket\nattempt(lambda: socket.create_server(('127.0.0.1', 0)))",
        io_uring=LIBC + "attempt(lambda: libc.syscall(425, 8, ctypes.create_string_buffer(200)) >= 0)",
    ),
    *_attempts(
        "programs",
        fork="attempt(lambda: os.fork() >= 0)",
        vfork=LIBC + "attempt(lambda: libc.vfork() > 0)",
        system="attempt(lambda: os.system('echo ESCAPED') == 0)",
        popen="attempt(lambda: os.popen('echo hi').read())",
        subprocess="import subprocess\nattempt(lambda: subprocess.run(['/bin/echo', 'ESCAPED']).returncode == 0)",
        exec="attempt(lambda: os.execv('/bin/echo', ['echo', 'ESCAPED']))",
        exec_self="attempt(lambda: os.execv(sys.executable, [sys.executable, '-c', 'print(\"ESCAPED\")']))",
        posix_spawn="attempt(lambda: os.posix_spawn('/bin/echo', ['echo', 'ESCAPED'], {}))",
        ctypes_system=LIBC + "attempt(lambda: libc.system(b'echo ESCAPED') == 0)",
        multiprocessing=(
            "import multiprocessing as m\n"
            "attempt(lambda: m.get_context('fork').Process(target=print).start() or True)"
        ),
        memfd=LIBC + "attempt(lambda: libc.memfd_create(b'x', 0) >= 0)",
        clone_raw=LIBC + "attempt(lambda: libc.syscall(56, 17, 0, 0, 0, 0) >= 0)",
        clone3_raw=LIBC + "attempt(lambda: libc.syscall(435, ctypes.create_string_buffer(88), 88) >= 0)",
        own_shared_object=(
            "open('x.so', 'wb').write(b'\\x7fELF')\n"
            "import ctypes\n"
            "attempt(lambda: ctypes.CDLL('./x.so'))"
        ),
    ),
    *_attempts(
        "processes",
        kill_parent="attempt(lambda: (os.kill(os.getppid(), 0), True)[1])",
        kill_all="attempt(lambda: (os.kill(-1, 0), True)[1])",
        kill_group="attempt(lambda: (os.killpg(os.getppid(), 0), True)[1])",
        ptrace_parent=LIBC + "attempt(lambda: libc.ptrace(16, os.getppid(), None, None) == 0)",
        read_parent=LIBC + (
            "b = ctypes.create_string_buffer(64)\n"
            "attempt(lambda: libc.process_vm_readv(os.getppid(), b, 1, b, 1, 0) >= 0)"
        ),
        pidfd=LIBC + "attempt(lambda: libc.syscall(434, os.getppid(), 0) >= 0)",
        signal_by_pipe=(
            "import fcntl\nattempt(lambda: (fcntl.fcntl(1, 8, os.getppid()), fcntl.fcntl(1, 10, 9), "
            "fcntl.fcntl(1, fcntl.F_SETFL, 0o20000), True)[3])"
        ),
        owner_by_ioctl=(
            "import fcntl, struct\n"
            "attempt(lambda: fcntl.ioctl(1, 0x8901, struct.pack('i', os.getppid())) is not None)"
        ),
        parents_limits="import resource\nattempt(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE))",
        type_into_terminal="import fcntl\nattempt(lambda: fcntl.ioctl(0, 0x5412, b'x') is not None)",
        setsid="attempt(lambda: os.setsid())",
        setpgid="attempt(lambda: (os.setpgid(0, 0), True)[1])",
        nice="attempt(lambda: os.nice(-5))",
        raise_limits="import resource\nattempt(lambda: (resource.setrlimit(resource.RLIMIT_AS, (-1, -1)), True)[1])",
        setuid="attempt(lambda: (os.setuid(0), os.setgid(0), True)[2])",
        unshare=LIBC + "attempt(lambda: libc.unshare(0x10000000) == 0)",
        setns=LIBC + "attempt(lambda: libc.setns(0, 0) == 0)",
        bpf=LIBC + "attempt(lambda: libc.syscall(321, 0, ctypes.create_string_buffer(100), 100) >= 0)",
        new_seccomp=LIBC + "attempt(lambda: libc.syscall(317, 1, 0, None) == 0)",
        undumpable=LIBC + "attempt(lambda: libc.prctl(4, 1, 0, 0, 0) == 0)",
        keyring=LIBC + "attempt(lambda: libc.syscall(248, b'user', b'k', b'x', 1, -3) >= 0)",
        shared_memory=LIBC + "attempt(lambda: libc.shmget(1, 4096, 0o1600) >= 0)",
        personality=LIBC + "attempt(lambda: libc.personality(0x0040000) >= 0)",
        userfaultfd=LIBC + "attempt(lambda: libc.syscall(323, 0) >= 0)",
        i386_call="""
import ctypes, mmap
code = b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3"  # mov eax, 20 (getpid of i386); int 0x80; ret
try:
    m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    m.write(code)
    f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
    got(f() > 0)
except BaseException as error:
    print("held:", error)
""",
        x32_call=LIBC + "attempt(lambda: libc.syscall(0x40000000 + 39) > 0)",
    ),
    *_attempts(
        "language",
        subclasses=(
            "attempt(lambda: [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "
            "'Popen'][0](['/bin/echo', 'ESCAPED']).wait() == 0)"
        ),
        import_trick="attempt(lambda: __builtins__.__dict__['__imp' + 'ort__']('os').system('echo ESCAPED') == 0)",
        frames="attempt(lambda: open(sys._getframe().f_globals.get('__file__', '') and '/etc/passwd').read())",
        loader="attempt(lambda: __loader__ and os.fork() >= 0)",
        code_object="exec(compile('import os; os.system(\"echo ESCAPED\")', 'x', 'exec'))",
        patch_exit="import atexit\natexit.register(lambda: os.system('echo ESCAPED'))",
        write_report=(
            "for fd in range(3, 20):\n"
            "    try:\n"
            "        os.write(fd, b'{\"ok\": true, \"layers\": {}}'); print('wrote', fd)\n"
            "    except OSError: pass"
        ),
    ),
    *_attempts(
        "resources",
        fork_bomb="while True:\n    try: os.fork()\n    except OSError: pass",
        thread_bomb=(
            "import threading, time\n"
            "while True:\n"
            "    try: threading.Thread(target=time.sleep, args=(60,)).start()\n"
            "    except BaseException: pass"
        ),
        memory_bomb="held = []\nwhile True:\n    held.append(bytearray(1 << 24))",
        output_flood="while True:\n    print('x' * 100000)",
        error_flood="while True:\n    print('x' * 100000, file=sys.stderr)",
        endless_loop="while True: pass",
        endless_sleep="import time\nwhile True:\n    try: time.sleep(1000)\n    except BaseException: pass",
        ignore_signals=(
            "import signal\n"
            "for n in range(1, 64):\n"
            "    try: signal.signal(n, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\n"
            "while True: pass"
        ),
        disk_one_file="f = open('big', 'wb')\nwhile True:\n    f.write(bytes(1 << 20))",
        disk_many_files=(
            "n = 0\n"
            "while True:\n"
            "    n += 1\n"
            "    try:\n"
            "        with open(f'f{n}', 'wb') as f: f.write(bytes(8 << 20))\n"
            "    except OSError: pass"
        ),
        many_files="n = 0\nwhile True:\n    n += 1\n    open(f'f{n}', 'w').close()",
        many_folders="n = 0\nwhile True:\n    n += 1\n    os.mkdir(f'd{n}')",
        deep_folders="while True:\n    os.mkdir('d'); os.chdir('d')",
        open_files="held = []\nwhile True:\n    held.append(open('/dev/null'))",
        recursion="sys.setrecursionlimit(10 ** 9)\ndef f(): f()\nf()",
        locked_folder="os.mkdir('d'); open('d/f', 'w').write('x'); os.chmod('d', 0)",
        catastrophic_regex="import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
        big_power="9 ** 9 ** 9",
        close_outputs="os.close(1); os.close(2)\nwhile True: pass",
    ),
]  # fmt: skip
