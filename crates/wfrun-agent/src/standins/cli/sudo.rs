//! `sudo`: who runs in the environment is root already, so it drops its own options and becomes the command.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::process::{How, Process};

const USAGE: &str = "usage: sudo [-EHnS] [-u root] [--] [VAR=value] command [arg ...]";

/// What a command line of `sudo` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    /// Start this, with these variables set.
    Exec { variables: Vec<(String, String)>, command: Vec<String> },
    /// There is nothing to do (`-v`, `-k`).
    Nothing,
    /// Print who this is.
    Version,
}

/// Runs `sudo`. Returns only where there was no command to become.
///
/// Differs: all variables are kept and `PATH` is not replaced, as if `-E` and `secure_path` of the sudoers file agreed.
pub(super) fn run(args: &[String], process: &mut Process<'_>) -> u8 {
    let request = match read(args) {
        Ok(request) => request,
        Err(message) => {
            process.error_line(&format!("sudo: {message}"));
            process.error_line(USAGE);
            return 1;
        }
    };
    process.declare(How::StandIn, "sudo", "wfrun's own `sudo`: this environment has none, and its user is root");
    match request {
        Request::Nothing => 0,
        Request::Version => {
            process.line("Sudo version 1.9 (stand-in of wfrun: the environment's user is root)");
            0
        }
        Request::Exec { variables, command } => exec(&variables, &command, process),
    }
}

fn exec(variables: &[(String, String)], command: &[String], process: &mut Process<'_>) -> u8 {
    let shell = process.variable("SHELL").unwrap_or("/bin/sh").to_owned();
    let (program, rest) = command.split_first().map_or((&shell, &[][..]), |(program, rest)| (program, rest));
    process.flush();
    let variables = variables.iter().map(|(name, value)| (name, value));
    let error = Command::new(program)
        .args(rest)
        .current_dir(&process.directory)
        .env_clear()
        .envs(&process.variables)
        .envs(variables)
        .exec();
    if error.kind() == std::io::ErrorKind::NotFound {
        process.error_line(&format!("sudo: {program}: command not found"));
    } else {
        process.error_line(&format!("sudo: unable to execute {program}: {error}"));
    }
    1
}

fn read(args: &[String]) -> Result<Request, String> {
    let mut rest = args;
    let mut shell = false;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        match word.as_str() {
            "--" => break,
            "-v" | "--validate" | "-k" | "-K" => return Ok(Request::Nothing),
            "-V" | "--version" => return Ok(Request::Version),
            "-i" | "-s" | "--login" | "--shell" => shell = true,
            "--preserve-env" | "--set-home" | "--non-interactive" | "--stdin" => {}
            "-u" | "--user" => {
                let (user, after) = rest.split_first().ok_or("option requires an argument -- 'u'")?;
                check_user(user)?;
                rest = after;
            }
            long if long.starts_with("--preserve-env=") => {}
            long if long.starts_with("--user=") => check_user(&long["--user=".len()..])?,
            long if long.starts_with("--") => return Err(format!("unrecognized option '{long}'")),
            short if short.len() > 1 && short.starts_with('-') => rest = short_options(&short[1..], rest)?,
            _ => {
                rest = &args[args.len() - rest.len() - 1..];
                break;
            }
        }
    }
    let assignments = rest.iter().take_while(|word| is_assignment(word)).count();
    let variables = rest[..assignments]
        .iter()
        .filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let command = rest[assignments..].to_vec();
    if command.is_empty() && !shell {
        return Err("no command given".to_owned());
    }
    Ok(Request::Exec { variables, command })
}

/// Reads a cluster such as `-EHn` or `-Eu root`.
fn short_options<'a>(cluster: &str, rest: &'a [String]) -> Result<&'a [String], String> {
    for (at, letter) in cluster.char_indices() {
        match letter {
            'E' | 'H' | 'n' | 'S' => {}
            'u' => {
                let attached = &cluster[at + 1..];
                if !attached.is_empty() {
                    check_user(attached)?;
                    return Ok(rest);
                }
                let (user, after) = rest.split_first().ok_or("option requires an argument -- 'u'")?;
                check_user(user)?;
                return Ok(after);
            }
            other => return Err(format!("invalid option -- '{other}'")),
        }
    }
    Ok(rest)
}

fn check_user(user: &str) -> Result<(), String> {
    if matches!(user, "root" | "#0") {
        return Ok(());
    }
    Err(format!("`-u {user}` is not supported by wfrun's stand-in for `sudo`: the environment has no user but root"))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(variables: &[(&str, &str)], command: &[&str]) -> Request {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request::Exec { variables, command: command.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn drops_its_own_options() {
        let cases = [
            ("apt-get install -y jq", Ok(request(&[], &["apt-get", "install", "-y", "jq"]))),
            ("-E -H -n apt-get -n", Ok(request(&[], &["apt-get", "-n"]))),
            ("-EHn id", Ok(request(&[], &["id"]))),
            ("-u root -- ls -l", Ok(request(&[], &["ls", "-l"]))),
            ("-Eu root id", Ok(request(&[], &["id"]))),
            ("--user=root id", Ok(request(&[], &["id"]))),
            ("A=1 B= env X=2", Ok(request(&[("A", "1"), ("B", "")], &["env", "X=2"]))),
            ("--preserve-env=PATH id", Ok(request(&[], &["id"]))),
            ("-i", Ok(request(&[], &[]))),
            ("-v", Ok(Request::Nothing)),
            ("-V", Ok(Request::Version)),
            ("-u", Err("option requires an argument -- 'u'".to_owned())),
            ("-x id", Err("invalid option -- 'x'".to_owned())),
            ("--frobnicate id", Err("unrecognized option '--frobnicate'".to_owned())),
            ("", Err("no command given".to_owned())),
        ];
        for (line, want) in cases {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(read(&args), want, "{line}");
        }
    }

    #[test]
    fn refuses_other_users() {
        for line in ["-u postgres psql", "-upostgres psql", "--user=postgres psql"] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let message = read(&args).expect_err("must be refused");
            assert!(message.contains("`-u postgres` is not supported"), "{line}: {message}");
        }
    }
}
