//! The names of containers, and those that a container on the machine's network knows.
use std::fs::read_to_string;
use std::net::IpAddr;

/// The engine gives these names to each container itself.
const OF_ENGINE: [&str; 7] =
    ["localhost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters"];

/// So many hex digits that no other name has.
pub(super) fn unique(digits: usize) -> String {
    let mut unique = uuid::Uuid::new_v4().simple().to_string();
    unique.truncate(digits);
    unique
}

/// What of an image's name goes into the name of a container: at most `most` letters and digits.
pub(super) fn letters(image: &str, most: usize) -> String {
    image.chars().filter(char::is_ascii_alphanumeric).take(most).collect()
}

/// `ExtraHosts` of a container on the machine's network: ours, then those that the machine has for itself.
///
/// Source: Docker: `/etc/hosts` of the machine is that of such a container only where nothing is added to it.
pub(super) fn on_machine(ours: &[(String, IpAddr)]) -> Vec<String> {
    if ours.is_empty() {
        return Vec::new();
    }
    let hosts = read_to_string("/etc/hosts").unwrap_or_default();
    let hostname = read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    together(ours, &hosts, hostname.trim())
}

fn together(ours: &[(String, IpAddr)], hosts: &str, hostname: &str) -> Vec<String> {
    let mut all: Vec<(String, IpAddr)> = ours.to_vec();
    for line in hosts.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next().and_then(|it| it.parse().ok()) else { continue };
        // Where a name has several lines the first one wins, and ours come first.
        let known = |it: &&str| OF_ENGINE.contains(it) || ours.iter().any(|(name, _)| name == it);
        all.extend(words.filter(|it| !known(it)).map(|it| (it.to_owned(), address)));
    }
    if !hostname.is_empty() && !all.iter().any(|(name, _)| name == hostname) {
        all.push((hostname.to_owned(), IpAddr::from([127, 0, 0, 1])));
    }
    all.into_iter().map(|(name, address)| format!("{name}:{address}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_keeps_its_own_names() {
        let ours = [("sts.amazonaws.com".to_owned(), IpAddr::from([127, 1, 2, 3]))];
        let cases: &[(&str, &str, &[&str])] = &[
            ("127.0.0.1 localhost\n::1 ip6-localhost\n", "box", &["box:127.0.0.1"]),
            ("127.0.1.1 box.lan box # own\n", "box", &["box.lan:127.0.1.1", "box:127.0.1.1"]),
            ("fd00::1 nas\n# 1.2.3.4 no\nnonsense x\n1.2.3.4 sts.amazonaws.com\n", "", &["nas:fd00::1"]),
        ];
        for (hosts, hostname, expected) in cases {
            let found = together(&ours, hosts, hostname);
            assert_eq!(found[0], "sts.amazonaws.com:127.1.2.3");
            assert_eq!(&found[1..], *expected, "{hosts}");
        }
    }
}
