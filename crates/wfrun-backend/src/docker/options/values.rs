//! Values of options, as docker's command line reads them.
use std::collections::HashMap;

use bollard::models::{DeviceMapping, PortBinding, ResourcesUlimits};
use wfrun_agent::go_duration::nanoseconds;

/// What was given is no such value: what one is.
pub(crate) type Refused = &'static str;

/// `512m`, `2gb`, `1048576`: bytes. Source: Docker, `go-units` (`RAMInBytes`).
pub(crate) fn size(text: &str) -> Result<i64, Refused> {
    const WHAT: Refused = "a size such as `512m` or `2g`";
    let digits = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit);
    let shift = match unit {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        _ => return Err(WHAT),
    };
    let number: f64 = number.parse().map_err(|_| WHAT)?;
    whole(number * 2_f64.powi(shift)).ok_or(WHAT)
}

/// `1m30s`, `500ms`: nanoseconds.
pub(crate) fn duration(text: &str) -> Result<i64, Refused> {
    nanoseconds(text).ok_or("a duration such as `10s` or `1m30s`")
}

/// `1.5`: thousands of millionths of a processor.
pub(crate) fn cpus(text: &str) -> Result<i64, Refused> {
    const WHAT: Refused = "a number of processors such as `2` or `1.5`";
    text.parse::<f64>().ok().and_then(|it| whole(it * 1e9)).ok_or(WHAT)
}

pub(crate) fn number(text: &str) -> Result<i64, Refused> {
    text.parse().map_err(|_| "a whole number")
}

pub(crate) fn flag(text: &str) -> Result<bool, Refused> {
    // Source: Go, `strconv.ParseBool`.
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("`true` or `false`"),
    }
}

/// `name=value`, or `name` for an empty value.
pub(crate) fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), value.to_owned())
}

/// `nofile=1024:2048`
pub(crate) fn ulimit(text: &str) -> Result<ResourcesUlimits, Refused> {
    const WHAT: Refused = "a limit such as `nofile=1024:2048`";
    let (name, limits) = text.split_once('=').ok_or(WHAT)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let limit = |text: &str| text.parse::<i64>().map_err(|_| WHAT);
    Ok(ResourcesUlimits { name: Some(name.to_owned()), soft: Some(limit(soft)?), hard: Some(limit(hard)?) })
}

/// `/dev/fuse`, `/dev/a:/dev/b`, `/dev/a:/dev/b:rw`
pub(crate) fn device(text: &str) -> DeviceMapping {
    let mut parts = text.split(':').map(str::to_owned);
    let on_host = parts.next();
    let mut rest: Vec<String> = parts.collect();
    let is_mode = |it: &String| !it.is_empty() && it.chars().all(|it| "rwm".contains(it));
    let mode = rest.pop_if(|it| is_mode(it)).unwrap_or_else(|| "rwm".to_owned());
    let inside = rest.pop().or_else(|| on_host.clone());
    DeviceMapping { path_on_host: on_host, path_in_container: inside, cgroup_permissions: Some(mode) }
}

/// `80`, `8080:80`, `127.0.0.1:8080:80/udp`, `8000-8010:8000-8010`: the bindings of each port.
///
/// Differs: ports are published at 127.0.0.1, not at all addresses of the machine, where no address is given.
pub(crate) fn publish(text: &str, bindings: &mut HashMap<String, Option<Vec<PortBinding>>>) -> Result<(), Refused> {
    const WHAT: Refused = "a port such as `80`, `8080:80` or `127.0.0.1:8080:80/udp`";
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return Err(WHAT);
    }
    let (rest, inside) = ports.rsplit_once(':').map_or((None, ports), |(rest, inside)| (Some(rest), inside));
    let (address, outside) = match rest.map(|it| it.rsplit_once(':').map_or((None, it), |(a, p)| (Some(a), p))) {
        None => (None, ""),
        Some((address, port)) => (address, port),
    };
    let address = address.map(|it| it.trim_matches(['[', ']'])).filter(|it| !it.is_empty()).unwrap_or("127.0.0.1");
    let (first, last) = range(inside).ok_or(WHAT)?;
    let outside_range = if outside.is_empty() { None } else { Some(range(outside).ok_or(WHAT)?) };
    let count = last - first;
    for (offset, port) in (first..=last).enumerate() {
        let host_port = match outside_range {
            None => String::new(),
            Some((from, to)) if to - from == count => (usize::from(from) + offset).to_string(),
            // One port of the container, any of a range of the machine.
            Some((from, to)) if count == 0 => format!("{from}-{to}"),
            Some(_) => return Err(WHAT),
        };
        let binding = PortBinding { host_ip: Some(address.to_owned()), host_port: Some(host_port) };
        bindings.entry(format!("{port}/{protocol}")).or_default().get_or_insert_default().push(binding);
    }
    Ok(())
}

/// `8000-8010`, or one port.
pub(crate) fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && first > 0).then_some((first, last))
}

fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let in_range = (0.0..9e18).contains(&number).then_some(number as i64);
    in_range
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations() {
        let sizes = [("1048576", 1 << 20), ("512m", 512 << 20), ("2g", 2 << 30), ("1.5GB", 3 << 29), ("1KiB", 1024)];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for (text, nanoseconds) in [("10s", 10_000_000_000), ("1m30s", 90_000_000_000), ("1.5ms", 1_500_000), ("0", 0)]
        {
            assert_eq!(duration(text), Ok(nanoseconds), "{text}");
        }
        assert_eq!(cpus("1.5"), Ok(1_500_000_000));
        for text in ["", "x", "1x", "-1", "1g\n"] {
            assert!(size(text).is_err() && duration(text).is_err() && cpus(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports() {
        let cases = [
            ("80", "80/tcp=127.0.0.1:"),
            ("8080:80", "80/tcp=127.0.0.1:8080"),
            ("8080:80/udp", "80/udp=127.0.0.1:8080"),
            ("0.0.0.0:8080:80", "80/tcp=0.0.0.0:8080"),
            ("127.0.0.1::80", "80/tcp=127.0.0.1:"),
            ("[::1]:8080:80", "80/tcp=::1:8080"),
            ("90-91:80-81", "80/tcp=127.0.0.1:90 81/tcp=127.0.0.1:91"),
            ("90-99:80", "80/tcp=127.0.0.1:90-99"),
        ];
        for (text, expected) in cases {
            let mut bindings = HashMap::new();
            publish(text, &mut bindings).expect(text);
            let mut all: Vec<String> = bindings
                .iter()
                .flat_map(|(port, all)| all.iter().flatten().map(move |it| (port, it)))
                .map(|(port, it)| {
                    format!(
                        "{port}={}:{}",
                        it.host_ip.as_deref().unwrap_or("-"),
                        it.host_port.as_deref().unwrap_or("-")
                    )
                })
                .collect();
            all.sort();
            assert_eq!(all.join(" "), expected, "{text}");
        }
        for text in ["", "x", "80/http", "1:2:3:x", "90-92:80-81", "70000", "0"] {
            assert!(publish(text, &mut HashMap::new()).is_err(), "{text}");
        }
    }
}
