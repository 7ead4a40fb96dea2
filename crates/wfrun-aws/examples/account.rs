//! Serves an account alone, for benchmarks: `account STATE_DIR REPOSITORY…`.
//!
//! Prints one line, the endpoint's URL, access key id and secret access key, and serves until standard input ends.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use wfrun_aws::{Account, AccountFile, AccountSettings, Endpoint, Wanted};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the line is what the program is called for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let state_dir = PathBuf::from(words.next().ok_or("usage: account STATE_DIR REPOSITORY…")?);
    let settings = AccountSettings {
        file: AccountFile::default(),
        file_dir: state_dir.clone(),
        wanted: Wanted { repositories: words.collect(), ..Wanted::default() },
        state_dir,
        iam_policies: Vec::new(),
        injections: Vec::new(),
        launcher: None,
    };
    let (account, _) = Account::open(settings, |_| {})?;
    let account = Arc::new(account);
    let endpoint = Endpoint::start(Arc::clone(&account), TcpListener::bind("127.0.0.1:0").await?).await?;
    let keys = account.mint_keys("bench");
    println!("{} {} {}", endpoint.url(), keys.access_key_id, keys.secret_access_key);
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    endpoint.stop().await;
    Ok(())
}
