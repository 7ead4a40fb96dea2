//! Whether a ref still names the commit that it did.
use super::remote::{self, RemoteError};
use super::sources::{GITHUB, Mirror, Shared, store_error};
use super::{ActionError, Actions, commit_of};
use wfrun_workflow::ActionRef;

impl Actions {
    /// Asks the mirror, or else github.com, for the commit that a ref of a repository names now.
    ///
    /// None where nobody may be asked, or nobody who is knows it. What was fetched or vendored before is not asked.
    pub fn commit_now(&self, name: &str, git_ref: &str) -> Result<Option<String>, ActionError> {
        let (owner, repo) = name.split_once('/').unwrap_or((name, ""));
        let [owner, repo, git_ref] = [owner, repo, git_ref].map(str::to_owned);
        self.shared.commit_now(&ActionRef { owner, repo, path: String::new(), git_ref, said_tag: None })
    }
}

impl Shared {
    fn commit_now(&self, action: &ActionRef) -> Result<Option<String>, ActionError> {
        match &self.settings.mirror {
            Some(mirror @ Mirror::Folder(_)) => {
                if let Some(git) = mirror.repository(&action.repository()) {
                    return Ok(commit_of(&git, &action.git_ref).ok());
                }
            }
            Some(mirror @ Mirror::Server(url)) if !(self.settings.offline && mirror.is_network()) => {
                if let Some(commit) = self.asked(url, action)? {
                    return Ok(Some(commit));
                }
            }
            Some(Mirror::Server(_)) | None => {}
        }
        if self.settings.offline { Ok(None) } else { self.asked(GITHUB, action) }
    }

    fn asked(&self, server: &str, action: &ActionRef) -> Result<Option<String>, ActionError> {
        let certificates = self.settings.certificates.as_deref();
        let answer = remote::commit_now(server, &action.repository(), &action.git_ref, &self.store, certificates);
        match answer {
            Ok(remote::Answer::Commit(commit)) => Ok(Some(commit)),
            Ok(remote::Answer::NoRepository | remote::Answer::NoRef(_)) => Ok(None),
            Err(RemoteError::Git(err)) => Err(ActionError::Fetch { action: Box::new(action.clone()), err }),
            Err(RemoteError::Store(err)) => Err(store_error(action, err)),
        }
    }
}
