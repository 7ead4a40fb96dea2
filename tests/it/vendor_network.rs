//! A vendored run where there is no network.
use std::fs;

use crate::namespace::{self, can_close};
use crate::repo::{Ran, WFRUN, can_sandbox};
use crate::vendor::{mirror, repo, vendor};

/// Interfaces of a network namespace with packets that went over them, from `/proc/net/dev`.
const TRAFFIC: &str = "tail -n +3 /proc/net/dev | sed 's/:/ /' | awk '{print $1, $3, $11}'";

#[test]
fn a_vendored_run_sends_nothing_over_any_network() {
    if !can_close() || !can_sandbox() {
        return;
    }
    let (mirror, repo) = (mirror(), repo());
    repo.change(".github/workflows/w.yml", "    - uses: ./local\n", "    - run: cat /proc/net/dev\n");
    repo.commit("no local action");
    vendor(&repo, &mirror, &[]).ends_with(0);
    drop(mirror);
    fs::remove_dir_all(repo.cache()).expect("the store goes");
    // A pair of interfaces that leads nowhere counts what is sent by the default route.
    let out = "ip link add out type veth peer name other || exit 77
               test -e /proc/net/if_inet6 && quiet='addrgenmode none'
               for it in out other; do ip link set dev $it $quiet arp off up; done
               ip addr add 192.0.2.1/24 dev out
               ip route add default via 192.0.2.2";
    let run = format!("'{WFRUN}' w.yml --backend sandbox --offline --json > events");
    // What is sent on purpose afterwards shows that it would have been counted.
    let control = "echo control; echo x > /dev/udp/192.0.2.9/9";
    let script = format!("{out}\n{run}\n{TRAFFIC}\n{control}\n{TRAFFIC}");
    let output = namespace::run(&repo, &script, &[]);
    if output.status.code() == Some(77) {
        println!("skipped: no interface that counts can be made: {}", String::from_utf8_lossy(&output.stderr).trim());
        return;
    }
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if stderr.contains("no sandbox can be made here") {
        println!("skipped: in a network namespace {}", stderr.trim());
        return;
    }
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let (counted, control) = stdout.split_once("control\n").expect("both counts");
    let sent = |text: &str| -> u64 {
        let lines = text.lines().filter(|it| !it.starts_with("lo "));
        lines.filter_map(|it| it.split(' ').nth(2)?.parse::<u64>().ok()).sum()
    };
    assert_eq!(sent(counted), 0, "packets were sent beyond the loopback: {stdout}");
    assert_ne!(sent(control), 0, "{stdout}");
    let ran = Ran { code: 0, stdout: repo.read("events"), stderr: String::new() };
    assert!(["inner", "outer", "last"].iter().all(|it| ran.lines().contains(&(*it).to_owned())), "{:?}", ran.lines());
}
