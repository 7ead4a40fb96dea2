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
    let is_taken = |context: &str, name: &str| {
        let mut taken = loaded.set.workflows().flat_map(|it| references(it, context));
        taken.any(|it| it.name.eq_ignore_ascii_case(name))
    };
    let secrets = loaded.secrets.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let vars = loaded.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let values =
        secrets.filter(|(name, _)| is_taken("secrets", name)).chain(vars.filter(|(name, _)| is_taken("vars", name)));
    let (wanted, mut beforehand) = aws_names(&loaded.set, values);
    let account = |policies| aws_account::settings(&args.account, &own.state, wanted, policies);
    let aws = match policies.map(account).transpose()? {
        Some(account) => {
            any_file(&loaded.set, &OwnFiles::below(&loaded.root), &mut |text| {
                beforehand.read_file(text);
                false
            });
            beforehand.names_repositories |= !account.file.ecr.repositories.is_empty();
            let names: StepNames = Arc::new(move |launch| of_step(launch, &beforehand));
            Some(AwsSettings { names: Some(names), ..aws_account::with_tasks(account, &own.run_id).await? })
        }
        None => None,
    };
    let (services, mut notices) = LocalServices::start(github, aws, args.aws != Some(AwsChoice::Off), facts).await?;
    if services.aws.is_some() {
        notices.extend(aws_account::injected(&args.account));
    }
    Ok((services, notices))
}
