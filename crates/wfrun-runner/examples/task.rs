//! A program for images of tests that have nothing else in them, and what the launcher of tasks needs beside itself.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is looked at")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let port = |at: usize| args.get(at).and_then(|it| it.parse::<u16>().ok()).unwrap_or(8000);
    match args.first().map_or("", String::as_str) {
        wfrun_backend::docker::reaper::SUBCOMMAND => {
            wfrun_backend::docker::reaper::main(args.iter().skip(1).map(std::ffi::OsString::from))
        }
        wfrun_backend::docker::pause::SUBCOMMAND => wfrun_backend::docker::pause::main(),
        "serve" => serve(port(1)),
        "check" => ExitCode::from(u8::from(TcpStream::connect(("127.0.0.1", port(1))).is_err())),
        "say" => {
            println!("{}", args[1..].join(" "));
            ExitCode::SUCCESS
        }
        "fail" => {
            (0..25).for_each(|at| println!("line {at}"));
            eprintln!("KeyError: 'DATABASE_URL'");
            ExitCode::from(3)
        }
        other => {
            eprintln!("unknown: {other}");
            ExitCode::from(2)
        }
    }
}

/// Answers each request with the variable `VERSION`; ends at once where `DATABASE_URL` is not set.
fn serve(port: u16) -> ExitCode {
    if std::env::var_os("DATABASE_URL").is_none() {
        eprintln!("KeyError: 'DATABASE_URL'");
        return ExitCode::from(1);
    }
    let listener = TcpListener::bind(("0.0.0.0", port)).expect("the port is free");
    println!("listening on {port}");
    for mut stream in listener.incoming().flatten() {
        let mut request = [0; 4096];
        if stream.read(&mut request).is_ok() {
            let version = std::env::var("VERSION").unwrap_or_default();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", version.len());
            stream.write_all(format!("{head}{version}").as_bytes()).ok();
        }
    }
    ExitCode::SUCCESS
}
