//! Ctrl-C and other signals.
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use wfrun_engine::FactKind;

use crate::exit::Exit;

/// Ctrl-C asks, a second one kills, a third one gives clean-up up.
pub(super) async fn pass_signals_on(facts: mpsc::Sender<FactKind>) {
    let listen = |kind| signal(kind).ok();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
    let [Some(mut interrupt), Some(mut terminate), Some(mut hangup), Some(mut quit)] = kinds.map(listen) else {
        return;
    };
    let mut count = 0;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
        }
        count += 1;
        if count > 2 {
            #[expect(clippy::exit, reason = "a person has asked three times")]
            std::process::exit(Exit::Cancelled as i32);
        }
        if facts.send(FactKind::Cancel { force: count > 1 }).await.is_err() {
            return;
        }
    }
}
