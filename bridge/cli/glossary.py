"""The words of `status`, of metrics and of exit codes, each explained once."""

from __future__ import annotations

EXIT_CODES = {
    "0": "Done. Of `run`: it was stopped in order; what was under way is confirmed or kept.",
    "1": "Something failed while running; the last lines of the log say what. What was accepted is "
    "in the spool, and running it again loses nothing.",
    "2": "The command was called in a wrong way; the message says how it is called.",
    "78": "The configuration cannot be used, the spool's directory is not for this user, or a "
    "newer version has written the spool; nothing was started. Every problem was printed, with its "
    "line and column. Do not restart before it is mended: supervisord needs `exitcodes=0,78`, "
    "systemd `RestartPreventExitStatus=78`.",
}
STATES = {
    "starting": "It has been told to work and has not yet said how it goes.",
    "ok": "It works: an input listens or polls, an output is connected.",
    "retrying": "It failed and tries again by itself, with growing pauses; `status` says why. "
    "Nothing is lost meanwhile: inputs take up where they were, and for outputs the spool keeps.",
    "failed": "It, or a part of it, stands still until somebody acts; `status` says what to do.",
    "stopping": "It finishes what is under way.",
    "stopped": "It does nothing any more.",
    "removed": "It is no longer configured; its accounts are kept.",
}
ACCOUNTS = {
    "received": "Events that an input has handed over: accepted + repeated + in flight.",
    "accepted": "Events that are durable: they survive a crash from here on.",
    "repeated": "Events that a poller was offered again and had taken before; they are dropped, "
    "because the first one is there.",
    "in_flight": "Events on their way to the disk; they become accepted within milliseconds, or "
    "wait for room in a full spool.",
    "delivered": "Events whose arrival the output has confirmed.",
    "spooled": "Events that an output has yet to deliver.",
    "buried": "Events that the destination will never take, with the reason; `gelf-bridge dead` "
    "lists, shows and retries them.",
    "filtered": "Events that an output does not want, by its `only` and `except`.",
    "dropped": "Events that had to go because the spool was full and `on_full` is `drop_oldest`.",
    "forgotten": "Buried events whose documents had to go, because there were too many of them.",
    "refused": "Connections and datagrams that were turned away unread, by reason; never events.",
    "kernel_drops": "Datagrams that the kernel threw away because its receive buffer was full: "
    "raise `receive_buffer_bytes`, or let the sender use TCP.",
    "resent": "Events that were sent again because it was not certain that they had arrived. Those "
    "that had are in Graylog twice, with the same `event_uid`.",
    "failures": "How often a component failed and was started, or connected, again.",
    "retries": "How often a poller asked again, because an answer was an error or did not come; "
    "`status` names the last reason while it lasts.",
    "trimmed": "Events whose longest fields were shortened, because they were too long for one "
    "message: 128 chunks over UDP, 2,000,000 bytes else. Their field `bridge_trimmed` says so.",
    "idle_closed": "Connections that were closed because nothing came for `idle_seconds`.",
    "accept_failed": "How often the system gave no new connection, mostly for lack of open files: "
    "raise the limit (`LimitNOFILE` of systemd, `minfds` of supervisord).",
}
