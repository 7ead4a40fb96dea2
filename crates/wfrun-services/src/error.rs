use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the services could not start.
#[derive(Debug, Error)]
pub enum ServicesError {
    /// The folder of the store, or a file in it, cannot be made or read.
    #[error("the cache store {} cannot be used", path.display())]
    Store {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// No port on loopback could be had.
    #[error("no port of 127.0.0.1 could be bound for the services")]
    Bind {
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// No Unix socket could be made.
    #[error("no socket for uploads could be made in the folder for temporary files")]
    Socket {
        /// What the system said.
        #[source]
        err: io::Error,
    },
}
