//! The socket in the engine's place, to be tried by hand: `ecr_socket PATH ENGINE ACCOUNT HERE`, until standard input ends.

use std::error::Error;
use std::path::Path;

use wfrun_backend::docker::{EcrRegistry, EcrSocket};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [path, engine, account, here] = &words[..] else {
        return Err("usage: ecr_socket PATH ENGINE ACCOUNT HERE".into());
    };
    let registry = EcrRegistry { account: account.clone(), here: here.clone() };
    let _socket = EcrSocket::start(Path::new(path), Path::new(engine), registry)?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    Ok(())
}
