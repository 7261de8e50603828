"""A small network to boot real firmware in.

Two namespaces and a bridge, with the addresses of the README's DHCP section:

    pixie and the machines (taps) -- bridge 192.168.0.100 ==veth== 192.168.0.1  DHCP server

Nothing leaves them. Each process logs into the lab's folder; a boot that fails
shows the ends of these logs.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PIXIE = os.environ.get("PIXIE", os.path.join(TOP, "build", "pixie"))
PIXIE_ADDRESS = "192.168.0.100"
DHCP_ADDRESS = "192.168.0.1"


class BootFailed(Exception):
    pass


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stdout.strip()))
    return done.stdout


def tail(path, lines):
    if not os.path.exists(path):
        return "(none)"
    with open(path, errors="replace") as log:
        return "\n".join(printable(log.read()).splitlines()[-lines:])


def printable(text):
    """A serial log without terminal control: cursor moves end a word or a line."""
    text = re.sub(r"\x1b\[[0-9;?]*[Hf]", "\n", text)
    text = re.sub(r"\x1b[\[(][0-9;?=]*[A-Za-z]|\x1bc", "", text)
    return re.sub(r"[^\n\x20-\x7e]+", "\n", text)


def wait_for(what, seconds, condition, alive):
    deadline = time.monotonic() + seconds
    while not condition():
        if not alive():
            raise BootFailed("ended before %s" % what)
        if time.monotonic() > deadline:
            raise BootFailed("no %s within %d s" % (what, seconds))
        time.sleep(0.1)


# --- DHCP configurations, out of the README -------------------------------------------

def readme_config(server):
    with open(os.path.join(TOP, "README.md")) as text:
        blocks = re.findall(r"^```%s\n(.*?)^```$" % server, text.read(), re.M | re.S)
    if len(blocks) != 1:
        raise RuntimeError("%d ```%s blocks in README.md, not one" % (len(blocks), server))
    return blocks[0]


def kea_in_memory(config):
    """Kea's defaults write to /var/lib/kea; a test keeps its leases in memory."""
    config = json.loads(config)
    config["Dhcp4"]["lease-database"] = {"type": "memfile", "persist": False}
    config["Dhcp4"]["loggers"] = [{"name": "kea-dhcp4", "severity": "DEBUG", "debuglevel": 45,
                                   "output_options": [{"output": "stdout"}]}]
    return json.dumps(config, indent=1)


def program(name, folder):
    """A copy of a system's program. AppArmor's profiles, which go by path, allow
    dhcpd and Kea only their own configuration below /etc."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise RuntimeError("%s is not installed (tools/deps.sh test)" % name)
    return shutil.copy(path, folder)


def dhcp_command(server, folder, config):
    """The server's command line, and the one that only checks the configuration.

    Beyond the README: files in our folder, a log that tells, and no ping before each
    offer, which costs a second (dhcpd) or three (dnsmasq) in a network of one."""
    if server == "kea":
        config = kea_in_memory(config)
    if server == "dhcpd":
        config = "ping-check false;\n" + config
    path = os.path.join(folder, server + ".conf")
    with open(path, "w") as file:
        file.write(config)
    if server == "dnsmasq":
        base = [program("dnsmasq", folder), "--conf-file=" + path, "--port=0", "--user=root",
                "--dhcp-leasefile=" + os.path.join(folder, "leases"), "--pid-file"]
        return base + ["--no-daemon", "--log-dhcp", "--no-ping"], base + ["--test"]
    if server == "dhcpd":
        leases = os.path.join(folder, "leases")
        open(leases, "w").close()
        base = [program("dhcpd", folder), "-4", "-cf", path, "-lf", leases, "-pf", os.path.join(folder, "dhcpd.pid")]
        return base + ["-d", "-f", "lan"], base + ["-t"]
    if server == "kea":
        base = [program("kea-dhcp4", folder)]
        return base + ["-c", path], base + ["-t", path]
    raise ValueError(server)


DHCP_READY = {"dnsmasq": "DHCP, IP range", "dhcpd": "Server starting service", "kea": "DHCP4_STARTED"}


# --- the lab --------------------------------------------------------------------------

class Lab:
    def __init__(self, folder):
        self.folder = str(folder)
        self.net = "pixie-%d" % os.getpid()
        self.dhcp_net = self.net + "-dhcp"
        self.processes = []
        self.cards = 0
        self.cable = None  # a program between cards and bridge, and its arguments

    def __enter__(self):
        try:
            self.make_network()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            stop(process)
        for namespace in (self.net, self.dhcp_net):
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL, check=False)

    def make_network(self):
        for namespace in (self.net, self.dhcp_net):
            run("ip", "netns", "add", namespace)
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "-n", self.net, "link", "add", "lan", "type", "bridge")
        run("ip", "-n", self.net, "link", "add", "dhcp", "type", "veth",
            "peer", "name", "lan", "netns", self.dhcp_net)
        run("ip", "-n", self.net, "link", "set", "dhcp", "master", "lan", "up")
        for namespace, address in ((self.net, PIXIE_ADDRESS), (self.dhcp_net, DHCP_ADDRESS)):
            run("ip", "-n", namespace, "addr", "add", address + "/24", "dev", "lan")
            run("ip", "-n", namespace, "link", "set", "lan", "up")

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, command, namespace, **options):
        """A process in a namespace, its output in NAME.log."""
        with open(self.path(name + ".log"), "w") as log:
            process = subprocess.Popen(["ip", "netns", "exec", namespace, *command], stdout=log,
                                       stderr=subprocess.STDOUT, cwd=self.folder, **options)
        self.processes.append(process)
        return process

    def wait_for_log(self, name, text, process, seconds=60):
        wait_for("%r in its log" % text, seconds,
                 lambda: text in tail(self.path(name + ".log"), 10000), lambda: process.poll() is None)

    def start_dhcp(self, server, config=None):
        command, _ = dhcp_command(server, self.folder, config or readme_config(server))
        environment = dict(os.environ, KEA_LOCKFILE_DIR=self.folder, KEA_PIDFILE_DIR=self.folder)
        process = self.start("dhcp", command, self.dhcp_net, stdin=subprocess.DEVNULL, env=environment)
        self.wait_for_log("dhcp", DHCP_READY[server], process)

    def start_pixie(self, scripts, extra, *options):
        process = self.start("pixie", [PIXIE, "-t", PIXIE_ADDRESS + ":69", "-u", PIXIE_ADDRESS + ":80",
                                       "-d", scripts, "-e", extra, "-v", "DEBUG", *options],
                             self.net, stdin=subprocess.DEVNULL)
        wait_for("pixie to listen", 60, self.pixie_listens, lambda: process.poll() is None)
        return process

    def pixie_listens(self):
        sockets = run("ip", "netns", "exec", self.net, "ss", "-Hlntu")
        return all("%s:%d " % (PIXIE_ADDRESS, port) in sockets for port in (69, 80))

    def add_card(self):
        """A tap on the bridge."""
        name = "card%d" % self.cards
        self.cards += 1
        run("ip", "-n", self.net, "tuntap", "add", name, "mode", "tap")
        if self.cable:
            self.add_cable(name, name + "-wire")
        else:
            run("ip", "-n", self.net, "link", "set", name, "master", "lan", "up")
        return name

    def add_cable(self, card, wire):
        """A program of ours as the cable between a card and the bridge."""
        run("ip", "-n", self.net, "link", "add", wire, "type", "veth", "peer", "name", wire + "-lan")
        run("ip", "-n", self.net, "link", "set", wire + "-lan", "master", "lan", "up")
        for interface in (card, wire):  # without ARP: the host itself is not to answer on them
            run("ip", "-n", self.net, "link", "set", interface, "arp", "off", "up")
        program, *arguments = self.cable.split()
        process = self.start("cable", [sys.executable, os.path.join(HERE, program), card, wire, *arguments],
                             self.net, stdin=subprocess.DEVNULL)
        self.wait_for_log("cable", "ready", process)

    def story(self):
        return "\n".join("---- the end of %s\n%s" % (name, tail(self.path(name), lines))
                         for name, lines in (("serial.log", 40), ("dhcp.log", 25), ("pixie.log", 40)))


def stop(process):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
