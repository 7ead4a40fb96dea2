//! `options:` of a container: the part of `docker create`'s command line that is about the container itself.
//!
//! An option that is not here is an error that names it: a container that lacks what its workflow asks for is another
//! container.

pub(crate) mod values;

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, PortBinding};

use thiserror::Error;

use values::{Refused, cpus, device, duration, flag, number, pair, publish, range, size, ulimit};

/// What the words of `options` make of a container.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Labels, limits, commands: everything that the engine takes.
    pub(crate) body: ContainerCreateBody,
    /// Of `--volume`, as written.
    pub(crate) volumes: Vec<String>,
    /// Of `--name`.
    pub(crate) name: Option<String>,
    /// Of `--network-alias`.
    pub(crate) aliases: Vec<String>,
}

/// Tells whether the words of `options` say which user runs in the container.
pub fn names_user(options: &[String]) -> bool {
    Options::read(options).is_ok_and(|it| it.body.user.is_some())
}

/// What one word of `options` does.
enum Takes {
    /// `--flag`, `--flag=false`
    Flag(fn(&mut Options, bool)),
    /// `--option VALUE`, `--option=VALUE`
    Value(fn(&mut Options, &str) -> Result<(), Refused>),
    /// GitHub's documentation forbids it.
    Forbidden(&'static str),
}

/// Why `options` cannot be carried out.
#[derive(Debug, Error)]
pub(crate) enum OptionsError {
    /// Docker would refuse them, too: which word is wrong, and how.
    #[error("{0}")]
    Wrong(String),
    /// Docker knows the option, and it is not in the table.
    #[error("option `{0}` is not supported; docs/containers.md lists those that are")]
    NotSupported(String),
}

impl From<String> for OptionsError {
    fn from(message: String) -> Self {
        Self::Wrong(message)
    }
}

impl Options {
    /// Reads the words of `options`.
    pub(crate) fn read(words: &[String]) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        let mut words = words.iter().cloned();
        while let Some(word) = words.next() {
            options.word(&word, &mut words)?;
        }
        Ok(options)
    }

    fn word(&mut self, word: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), OptionsError> {
        if let Some(long) = word.strip_prefix("--") {
            let (name, given) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            return self.option(&format!("--{name}"), given, rest);
        }
        let Some(short) = word.strip_prefix('-').filter(|it| !it.is_empty()) else {
            return Err(format!("`{}` is no option{}", shown(word), broken(word)).into());
        };
        // `-it`: flags may stand together, and the last may have its value at once.
        for (at, letter) in short.char_indices() {
            let after = &short[at + letter.len_utf8()..];
            let name = format!("-{letter}");
            let is_flag = matches!(find(&name), Some(Takes::Flag(_)));
            if is_flag && !after.starts_with('=') {
                self.option(&name, None, rest)?;
                continue;
            }
            let given = (!after.is_empty()).then(|| after.strip_prefix('=').unwrap_or(after));
            return self.option(&name, given, rest);
        }
        Ok(())
    }

    fn option(
        &mut self,
        name: &str,
        given: Option<&str>,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), OptionsError> {
        let Some(takes) = find(name) else {
            return Err(if NOT_HERE.contains(&name) {
                OptionsError::NotSupported(name.to_owned())
            } else {
                format!("unknown option `{}`{}", shown(name), broken(name)).into()
            });
        };
        let refused = |value: &str, what| format!("`{}` of `{name}` is not {what}{}", shown(value), broken(value));
        match takes {
            Takes::Flag(set) => {
                set(self, given.map_or(Ok(true), flag).map_err(|what| refused(given.unwrap_or_default(), what))?);
            }
            Takes::Value(set) => {
                let value = given.map(str::to_owned).or_else(|| rest.next());
                let value = value.ok_or_else(|| format!("`{name}` has no value"))?;
                set(self, &value).map_err(|what| refused(&value, what))?;
            }
            Takes::Forbidden(why) => return Err(format!("`{name}` cannot be used: {why}").into()),
        }
        Ok(())
    }

    fn host(&mut self) -> &mut HostConfig {
        self.body.host_config.get_or_insert_default()
    }

    fn health(&mut self) -> &mut HealthConfig {
        self.body.healthcheck.get_or_insert_default()
    }

    /// The ports that are published, by those of the container.
    pub(crate) fn bindings(&mut self) -> &mut HashMap<String, Option<Vec<PortBinding>>> {
        self.host().port_bindings.get_or_insert_default()
    }

    fn expose(&mut self, text: &str) -> Result<(), Refused> {
        const WHAT: Refused = "a port such as `80` or `53/udp`";
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (first, last) = range(ports).ok_or(WHAT)?;
        let exposed = self.body.exposed_ports.get_or_insert_default();
        exposed.extend((first..=last).map(|it| format!("{it}/{protocol}")));
        Ok(())
    }
}

/// A word as it is shown: on one line.
fn shown(word: &str) -> String {
    word.replace('\n', "\\n")
}

/// Said where a line break is part of a word, which nobody means.
fn broken(word: &str) -> &'static str {
    if word.contains('\n') { "; a line break is part of a word, as on GitHub: write `options: >-`" } else { "" }
}

/// What `docker create` takes besides the options of the table.
const NOT_HERE: &[&str] = &[
    "--attach",
    "-a",
    "--blkio-weight",
    "--blkio-weight-device",
    "--cgroupns",
    "--cidfile",
    "--cpu-rt-period",
    "--cpu-rt-runtime",
    "--device-cgroup-rule",
    "--device-read-bps",
    "--device-read-iops",
    "--device-write-bps",
    "--device-write-iops",
    "--disable-content-trust",
    "--env-file",
    "--gpus",
    "--help",
    "--ip",
    "--ip6",
    "--isolation",
    "--kernel-memory",
    "--label-file",
    "--link",
    "--link-local-ip",
    "--log-driver",
    "--log-opt",
    "--mac-address",
    "--mount",
    "--platform",
    "--pull",
    "--quiet",
    "-q",
    "--restart",
    "--rm",
    "--storage-opt",
    "--use-api-socket",
    "--volume-driver",
    "--volumes-from",
];

fn find(name: &str) -> Option<&'static Takes> {
    TABLE.iter().find(|(names, _)| names.contains(&name)).map(|(_, takes)| takes)
}

fn add<T>(list: &mut Option<Vec<T>>, value: T) {
    list.get_or_insert_default().push(value);
}

fn put(map: &mut Option<HashMap<String, String>>, (name, value): (String, String)) {
    map.get_or_insert_default().insert(name, value);
}

macro_rules! value {
    ($set:expr) => {
        Takes::Value(|it, value| {
            let set: fn(&mut Options, &str) = $set;
            set(it, value);
            Ok(())
        })
    };
}

macro_rules! parsed {
    ($parse:expr, $set:expr) => {
        Takes::Value(|it, value| {
            let parsed = $parse(value)?;
            $set(it, parsed);
            Ok(())
        })
    };
}

/// Source: <https://docs.docker.com/reference/cli/docker/container/create/>
const TABLE: &[(&[&str], Takes)] = &[
    (
        &["--network", "--net"],
        Takes::Forbidden("a job's containers are on a network of their own; GitHub takes no `--network` either"),
    ),
    (&["--add-host"], value!(|it, value| add(&mut it.host().extra_hosts, value.replacen('=', ":", 1)))),
    (&["--cap-add"], value!(|it, value| add(&mut it.host().cap_add, value.to_owned()))),
    (&["--cap-drop"], value!(|it, value| add(&mut it.host().cap_drop, value.to_owned()))),
    (&["--cgroup-parent"], value!(|it, value| it.host().cgroup_parent = Some(value.to_owned()))),
    (&["--cpu-shares", "-c"], parsed!(number, |it: &mut Options, value| it.host().cpu_shares = Some(value))),
    (&["--cpu-period"], parsed!(number, |it: &mut Options, value| it.host().cpu_period = Some(value))),
    (&["--cpu-quota"], parsed!(number, |it: &mut Options, value| it.host().cpu_quota = Some(value))),
    (&["--cpus"], parsed!(cpus, |it: &mut Options, value| it.host().nano_cpus = Some(value))),
    (&["--cpuset-cpus"], value!(|it, value| it.host().cpuset_cpus = Some(value.to_owned()))),
    (&["--cpuset-mems"], value!(|it, value| it.host().cpuset_mems = Some(value.to_owned()))),
    (&["--device"], value!(|it, value| add(&mut it.host().devices, device(value)))),
    (&["--dns"], value!(|it, value| add(&mut it.host().dns, value.to_owned()))),
    (&["--dns-option", "--dns-opt"], value!(|it, value| add(&mut it.host().dns_options, value.to_owned()))),
    (&["--dns-search"], value!(|it, value| add(&mut it.host().dns_search, value.to_owned()))),
    (&["--domainname"], value!(|it, value| it.body.domainname = Some(value.to_owned()))),
    (&["--entrypoint"], value!(|it, value| it.body.entrypoint = Some(vec![value.to_owned()]))),
    (&["--env", "-e"], value!(|it, value| add(&mut it.body.env, value.to_owned()))),
    (&["--expose"], Takes::Value(Options::expose)),
    (&["--group-add"], value!(|it, value| add(&mut it.host().group_add, value.to_owned()))),
    (&["--health-cmd"], value!(|it, value| it.health().test = Some(vec!["CMD-SHELL".to_owned(), value.to_owned()]))),
    (&["--health-interval"], parsed!(duration, |it: &mut Options, value| it.health().interval = Some(value))),
    (&["--health-retries"], parsed!(number, |it: &mut Options, value| it.health().retries = Some(value))),
    (&["--health-start-period"], parsed!(duration, |it: &mut Options, value| it.health().start_period = Some(value))),
    (
        &["--health-start-interval"],
        parsed!(duration, |it: &mut Options, value| it.health().start_interval = Some(value)),
    ),
    (&["--health-timeout"], parsed!(duration, |it: &mut Options, value| it.health().timeout = Some(value))),
    (
        &["--no-healthcheck"],
        Takes::Flag(|it, on| {
            if on {
                it.health().test = Some(vec!["NONE".to_owned()]);
            }
        }),
    ),
    (&["--hostname", "-h"], value!(|it, value| it.body.hostname = Some(value.to_owned()))),
    (&["--init"], Takes::Flag(|it, on| it.host().init = Some(on))),
    (&["--interactive", "-i"], Takes::Flag(|it, on| it.body.open_stdin = Some(on))),
    (&["--ipc"], value!(|it, value| it.host().ipc_mode = Some(value.to_owned()))),
    (&["--label", "-l"], value!(|it, value| put(&mut it.body.labels, pair(value)))),
    (&["--memory", "-m"], parsed!(size, |it: &mut Options, value| it.host().memory = Some(value))),
    (&["--memory-reservation"], parsed!(size, |it: &mut Options, value| it.host().memory_reservation = Some(value))),
    (
        &["--memory-swap"],
        Takes::Value(|it, value| {
            it.host().memory_swap = Some(if value == "-1" { -1 } else { size(value)? });
            Ok(())
        }),
    ),
    (&["--memory-swappiness"], parsed!(number, |it: &mut Options, value| it.host().memory_swappiness = Some(value))),
    (&["--name"], value!(|it, value| it.name = Some(value.to_owned()))),
    (&["--network-alias", "--net-alias"], value!(|it, value| it.aliases.push(value.to_owned()))),
    (&["--oom-kill-disable"], Takes::Flag(|it, on| it.host().oom_kill_disable = Some(on))),
    (&["--oom-score-adj"], parsed!(number, |it: &mut Options, value| it.host().oom_score_adj = Some(value))),
    (&["--pid"], value!(|it, value| it.host().pid_mode = Some(value.to_owned()))),
    (&["--pids-limit"], parsed!(number, |it: &mut Options, value| it.host().pids_limit = Some(value))),
    (&["--privileged"], Takes::Flag(|it, on| it.host().privileged = Some(on))),
    (&["--publish", "-p"], Takes::Value(|it, value| publish(value, it.bindings()))),
    (&["--publish-all", "-P"], Takes::Flag(|it, on| it.host().publish_all_ports = Some(on))),
    (&["--read-only"], Takes::Flag(|it, on| it.host().readonly_rootfs = Some(on))),
    (&["--runtime"], value!(|it, value| it.host().runtime = Some(value.to_owned()))),
    (&["--security-opt"], value!(|it, value| add(&mut it.host().security_opt, value.to_owned()))),
    (&["--shm-size"], parsed!(size, |it: &mut Options, value| it.host().shm_size = Some(value))),
    (&["--stop-signal"], value!(|it, value| it.body.stop_signal = Some(value.to_owned()))),
    (&["--stop-timeout"], parsed!(number, |it: &mut Options, value| it.body.stop_timeout = Some(value))),
    (&["--sysctl"], value!(|it, value| put(&mut it.host().sysctls, pair(value)))),
    (
        &["--tmpfs"],
        value!(|it, value| {
            let (target, options) = value.split_once(':').unwrap_or((value, ""));
            put(&mut it.host().tmpfs, (target.to_owned(), options.to_owned()));
        }),
    ),
    (&["--tty", "-t"], Takes::Flag(|it, on| it.body.tty = Some(on))),
    (&["--ulimit"], parsed!(ulimit, |it: &mut Options, value| add(&mut it.host().ulimits, value))),
    (&["--user", "-u"], value!(|it, value| it.body.user = Some(value.to_owned()))),
    (&["--userns"], value!(|it, value| it.host().userns_mode = Some(value.to_owned()))),
    (&["--uts"], value!(|it, value| it.host().uts_mode = Some(value.to_owned()))),
    (&["--volume", "-v"], value!(|it, value| it.volumes.push(value.to_owned()))),
    (&["--workdir", "-w"], value!(|it, value| it.body.working_dir = Some(value.to_owned()))),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `~` stands for a blank within a word.
    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(|it| it.replace('~', " ")).collect()
    }

    fn read(text: &str) -> Options {
        Options::read(&words(text)).unwrap_or_else(|err| panic!("{text}: {err}"))
    }

    #[test]
    fn what_people_write() {
        let mut options = read(
            "--health-cmd pg_isready~-U~me --health-interval=10s --health-timeout 5s --health-retries 5 -u 1001:1001 -v/a:/b --privileged --init=false -it --memory 1g --cpus=1.5 --shm-size 2g --ulimit nofile=1024:2048 --add-host a:1.2.3.4 -e A=1 --env=B=2 -p 8080:80 --tmpfs /run:size=1m --cap-add SYS_ADMIN --label l=1 --dns 1.1.1.1 --hostname h --name n --entrypoint /e --network-alias other",
        );
        let health = options.body.healthcheck.clone().expect("a health check");
        assert_eq!(health.test, Some(vec!["CMD-SHELL".to_owned(), "pg_isready -U me".to_owned()]));
        assert_eq!(
            (health.interval, health.timeout, health.retries),
            (Some(10_000_000_000), Some(5_000_000_000), Some(5))
        );
        assert_eq!(options.bindings().keys().collect::<Vec<_>>(), ["80/tcp"]);
        let host = options.body.host_config.expect("host settings");
        assert_eq!((host.privileged, host.init, host.nano_cpus), (Some(true), Some(false), Some(1_500_000_000)));
        assert_eq!((host.memory, host.shm_size), (Some(1 << 30), Some(2 << 30)));
        assert_eq!(host.extra_hosts, Some(vec!["a:1.2.3.4".to_owned()]));
        assert_eq!(host.tmpfs.expect("a tmpfs")["/run"], "size=1m");
        assert_eq!((options.body.tty, options.body.open_stdin), (Some(true), Some(true)));
        assert_eq!(options.body.env, Some(vec!["A=1".to_owned(), "B=2".to_owned()]));
        assert_eq!(options.body.user.as_deref(), Some("1001:1001"));
        assert_eq!(options.volumes, ["/a:/b"]);
        assert_eq!((options.name.as_deref(), options.aliases.join(" ")), (Some("n"), "other".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("--no-such-thing x", "unknown option `--no-such-thing`"),
            ("-Z", "unknown option `-Z`"),
            ("--gpus all", "option `--gpus` is not supported; docs/containers.md lists those that are"),
            ("--memory", "`--memory` has no value"),
            ("--memory lots", "`lots` of `--memory` is not a size such as `512m` or `2g`"),
            ("--init=perhaps", "`perhaps` of `--init` is not `true` or `false`"),
            ("redis", "`redis` is no option"),
            ("--network host", "`--network` cannot be used: a job's containers are on a network of their own"),
            ("--cpus 1\n--init", "a line break is part of a word, as on GitHub: write `options: >-`"),
        ];
        for (text, expected) in cases {
            let err = Options::read(&words(text)).expect_err(text).to_string();
            assert!(err.contains(expected), "{text}: {err}");
        }
    }

    /// The page names each option that is known, and no other.
    #[test]
    fn the_page_is_right() {
        let page = include_str!("../../../../docs/containers.md");
        let table = page.lines().filter(|it| it.starts_with("| ") && it.contains("`-"));
        let on_page: Vec<&str> = table.flat_map(|it| it.split('`').skip(1).step_by(2)).collect();
        let known =
            TABLE.iter().filter(|(_, takes)| !matches!(takes, Takes::Forbidden(_))).flat_map(|(names, _)| *names);
        let mut known: Vec<&str> = known.copied().collect();
        let mut sorted = on_page.clone();
        known.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, known);
    }
}
