//! The services of a run, with the AWS account that its steps talk to.
use tokio::sync::mpsc;
use wfrun_aws::IdentityPolicy;
use wfrun_engine::FactKind;
use wfrun_runner::{LocalServices, aws_names, uses_aws};
use wfrun_services::ServicesSettings;

use super::own::Own;
use crate::aws_account;
use crate::cli::{AwsChoice, RunArgs};
use crate::settings::Loaded;

/// Starts them; gives back what is to be told, too.
pub(super) async fn start_services(
    args: &RunArgs,
    loaded: &Loaded,
    policies: Vec<IdentityPolicy>,
    own: &Own,
    github: ServicesSettings,
    facts: mpsc::Sender<FactKind>,
) -> anyhow::Result<(LocalServices, Vec<String>)> {
    let emulates = args.aws == AwsChoice::Emulate && uses_aws(&loaded.set);
    let account = || aws_account::settings(&args.account, &own.state, aws_names(&loaded.set), policies);
    let aws = match emulates.then(account).transpose()? {
        Some(account) => Some(aws_account::with_tasks(account, &own.run_id).await?),
        None => None,
    };
    let (services, mut notices) = LocalServices::start(github, aws, args.aws == AwsChoice::Emulate, facts).await?;
    if services.aws.is_some() {
        notices.extend(aws_account::injected(&args.account));
    }
    Ok((services, notices))
}
