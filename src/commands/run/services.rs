//! The services of a run, with the AWS account that its steps talk to.
use std::sync::Arc;

use tokio::sync::mpsc;
use wfrun_aws::IdentityPolicy;
use wfrun_engine::FactKind;
use wfrun_runner::{AwsSettings, LocalServices, StepNames};
use wfrun_services::ServicesSettings;
use wfrun_workflow::references;

use super::own::Own;
use crate::aws_account;
use crate::aws_names::{aws_names, of_step};
use crate::aws_use::any_file;
use crate::cli::{AwsChoice, RunArgs};
use crate::own_files::OwnFiles;
use crate::settings::Loaded;

/// Starts them, with an AWS account where the workflow's identity has policies, if only none; gives back what is to be told,
/// too.
pub(super) async fn start_services(
    args: &RunArgs,
    loaded: &Loaded,
    policies: Option<Vec<IdentityPolicy>>,
    own: &Own,
    github: ServicesSettings,
    facts: mpsc::Sender<FactKind>,
) -> anyhow::Result<(LocalServices, Vec<String>)> {
    let aws = match policies {
        Some(policies) => Some(account(args, loaded, own, policies).await?),
        None => None,
    };
    let (services, mut notices) = LocalServices::start(github, aws, args.aws != Some(AwsChoice::Off), facts).await?;
    if services.aws.is_some() {
        notices.extend(aws_account::injected(&args.account));
    }
    Ok((services, notices))
}

/// What opens the account, with what the workflows name and what their steps will.
async fn account(
    args: &RunArgs,
    loaded: &Loaded,
    own: &Own,
    policies: Vec<IdentityPolicy>,
) -> anyhow::Result<AwsSettings> {
    let taken = taken(loaded);
    let values = taken.iter().map(|(name, value)| (name.as_str(), *value));
    let (wanted, mut beforehand) = aws_names(&loaded.set, values);
    any_file(&loaded.set, &OwnFiles::below(&loaded.root), &mut |text| {
        beforehand.read_file(text);
        false
    });
    let account = aws_account::settings(&args.account, &own.state, wanted, policies)?;
    beforehand.names_repositories |= !account.file.ecr.repositories.is_empty();
    let names: StepNames = Arc::new(move |launch| of_step(launch, &beforehand));
    Ok(AwsSettings { names: Some(names), ..aws_account::with_tasks(account, &own.run_id).await? })
}

/// The secrets and variables that the workflows take, with their values.
fn taken(loaded: &Loaded) -> Vec<(String, &str)> {
    let taken = |context| loaded.set.workflows().flat_map(move |it| references(it, context));
    let names = |context| taken(context).map(|it| it.name.to_ascii_uppercase());
    let secrets = names("secrets").filter_map(|name| Some(loaded.secrets.get(&name)?.expose()).map(|it| (name, it)));
    let value =
        |name: &str| loaded.vars.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it.as_str());
    let vars = names("vars").filter_map(|name| value(&name).map(|it| (name, it)));
    secrets.chain(vars).collect()
}
