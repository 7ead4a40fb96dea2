//! Prints how long it takes to open the sandbox and to run one step in it (medians of 20).
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use wfrun_backend::{Backend, EnvironmentSpec, Exec, HostBackend, SandboxBackend};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(first) if first == wfrun_backend::sandbox::SUBCOMMAND => return wfrun_backend::sandbox::main(args),
        Some(first) if first == wfrun_agent::supervisor::SUBCOMMAND => return wfrun_agent::supervisor::main(args),
        Some(_) | None => {}
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure());
    ExitCode::SUCCESS
}

async fn measure() {
    for backend in [&HostBackend as &dyn Backend, &SandboxBackend] {
        let (mut opens, mut steps, mut closes) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..20 {
            let work_dir = tempfile::tempdir().expect("a directory");
            let spec = EnvironmentSpec {
                work_dir: work_dir.path().to_owned(),
                agent_executable: std::env::current_exe().expect("its path"),
                ..EnvironmentSpec::default()
            };
            let begin = Instant::now();
            let environment = backend.open(spec).await.expect("it opens");
            opens.push(begin.elapsed());
            for _ in 0..5 {
                let begin = Instant::now();
                let facts = environment.facts();
                let argv = ["bash", "-e", "-c", "echo hi"].map(str::to_owned).to_vec();
                let exec = Exec { argv, env: facts.base_env.clone(), cwd: facts.work.clone() };
                let mut process = environment.spawn(exec).await.expect("it spawns");
                while process.next().await.is_some() {}
                steps.push(begin.elapsed());
            }
            let begin = Instant::now();
            environment.close().await.expect("it closes");
            closes.push(begin.elapsed());
        }
        println!("{}: open {:?}, step {:?}, close {:?}", backend.name(), median(opens), median(steps), median(closes));
    }
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}
