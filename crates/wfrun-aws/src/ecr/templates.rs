//! Repository creation templates: how a repository is made that a push names first.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::repositories::{encryption, encryption_or_default};
use super::{Ecr, Repository, invalid, is_repository_name, lifecycle, mutability, page, policies, tags};
use crate::account::Call;
use crate::account_file::TagMutability;
use crate::clock::epoch_seconds;
use crate::protocol::ApiError;

/// The prefix that fits every name.
const ROOT: &str = "ROOT";

/// How repositories below a prefix are created.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Template {
    description: Option<String>,
    mutability: TagMutability,
    exclusions: Vec<String>,
    encryption: Option<Value>,
    resource_tags: IndexMap<String, String>,
    policy: Option<String>,
    lifecycle: Option<String>,
    applied_for: Vec<String>,
    role: Option<String>,
    created_at_ms: u64,
    updated_at_ms: u64,
}

/// Makes the repository `name` if there is none and a template for `CREATE_ON_PUSH` fits it.
///
/// Source: AWS ECR user guide, "Templates to control repositories created during a pull through cache, create on push, or
/// replication action": of the prefixes that fit, the longest counts.
pub(crate) fn create_on_push(ecr: &mut Ecr, name: &str, now_ms: u64) {
    if ecr.repositories.contains_key(name) {
        return;
    }
    let fits = |prefix: &str| {
        let below = name.strip_prefix(prefix.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
        prefix == ROOT || below
    };
    let for_push = ecr.templates.iter().filter(|(_, it)| it.applied_for.iter().any(|kind| kind == "CREATE_ON_PUSH"));
    let length = |prefix: &str| if prefix == ROOT { 0 } else { prefix.len() };
    let best = for_push.filter(|(prefix, _)| fits(prefix)).max_by_key(|(prefix, _)| length(prefix));
    let Some((_, template)) = best else { return };
    let mut created = Repository::new(now_ms, template.mutability);
    created.exclusions.clone_from(&template.exclusions);
    created.encryption.clone_from(&template.encryption);
    created.resource_tags.clone_from(&template.resource_tags);
    created.policy.clone_from(&template.policy);
    created.lifecycle.clone_from(&template.lifecycle);
    ecr.repositories.insert(name.to_owned(), created);
}

/// `CreateRepositoryCreationTemplate`.
///
/// Source: AWS ECR API reference, `CreateRepositoryCreationTemplate`.
/// Differs: templates for `REPLICATION` and `PULL_THROUGH_CACHE` are kept, and nothing applies them.
pub(crate) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = prefix(call)?;
    let mut template = Template { created_at_ms: call.account.now_ms(), ..Template::default() };
    fill(&mut template, call)?;
    if template.applied_for.is_empty() {
        return Err(invalid("appliedFor", "Member must not be null"));
    }
    call.account.change(call.region(), |region| {
        if region.ecr.templates.contains_key(prefix) {
            let message = format!(
                "The repository creation template with prefix '{prefix}' already exists in the registry with id '{}'",
                call.account.account_id()
            );
            return Err(ApiError::new("TemplateAlreadyExistsException", message));
        }
        let answer = answer(call, prefix, &template);
        region.ecr.templates.insert(prefix.to_owned(), template);
        Ok(answer)
    })
}

/// `UpdateRepositoryCreationTemplate`: what the input names changes.
///
/// Source: AWS ECR API reference, `UpdateRepositoryCreationTemplate`.
pub(crate) fn update(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = prefix(call)?;
    call.account.change(call.region(), |region| {
        let found = region.ecr.templates.get_mut(prefix).ok_or_else(|| absent(call, prefix))?;
        let mut changed = found.clone();
        fill(&mut changed, call)?;
        *found = changed;
        Ok(answer(call, prefix, found))
    })
}

/// `DeleteRepositoryCreationTemplate`.
///
/// Source: AWS ECR API reference, `DeleteRepositoryCreationTemplate`.
pub(crate) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = prefix(call)?;
    call.account.change(call.region(), |region| {
        let gone = region.ecr.templates.shift_remove(prefix).ok_or_else(|| absent(call, prefix))?;
        Ok(answer(call, prefix, &gone))
    })
}

/// `DescribeRepositoryCreationTemplates`.
///
/// Source: AWS ECR API reference, `DescribeRepositoryCreationTemplates`.
pub(crate) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let prefixes = call.input.texts("prefixes")?;
    let described: Vec<_> = call.account.read(call.region(), |region| {
        let wanted = |prefix: &str| prefixes.is_empty() || prefixes.contains(&prefix);
        let found = region.ecr.templates.iter().filter(|(prefix, _)| wanted(prefix));
        found.map(|(prefix, template)| template.described(prefix)).collect()
    });
    let (templates, next) = page(described, call.input)?;
    let registry = call.account.account_id();
    Ok(json!({ "registryId": registry, "repositoryCreationTemplates": templates, "nextToken": next }))
}

impl Template {
    fn described(&self, prefix: &str) -> Value {
        json!({
            "prefix": prefix,
            "description": self.description,
            "encryptionConfiguration": encryption_or_default(self.encryption.as_ref()),
            "resourceTags": tags::described(&self.resource_tags),
            "imageTagMutability": self.mutability,
            "imageTagMutabilityExclusionFilters": mutability::described(&self.exclusions),
            "repositoryPolicy": self.policy,
            "lifecyclePolicy": self.lifecycle,
            "appliedFor": self.applied_for,
            "customRoleArn": self.role,
            "createdAt": epoch_seconds(self.created_at_ms),
            "updatedAt": epoch_seconds(self.updated_at_ms),
        })
    }
}

/// Sets what the input has.
fn fill(template: &mut Template, call: Call<'_>) -> Result<(), ApiError> {
    const SITUATIONS: [&str; 3] = ["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"];
    let text = |member| Ok::<_, ApiError>(call.input.text(member)?.map(ToOwned::to_owned));
    let situations = call.input.texts("appliedFor")?;
    if !situations.iter().all(|situation| SITUATIONS.contains(situation)) {
        let message = format!("Member must satisfy enum value set: [{}]", SITUATIONS.join(", "));
        return Err(invalid("appliedFor", message));
    }
    if !situations.is_empty() {
        template.applied_for = situations.into_iter().map(ToOwned::to_owned).collect();
    }
    let (wanted, exclusions) = mutability::read(call.input)?;
    if let Some(wanted) = wanted {
        (template.mutability, template.exclusions) = (wanted, exclusions);
    }
    if let Some(policy) = text("repositoryPolicy")?.filter(|policy| !policy.is_empty()) {
        policies::check_policy(&policy)?;
        template.policy = Some(policy);
    }
    if let Some(policy) = text("lifecyclePolicy")?.filter(|policy| !policy.is_empty()) {
        lifecycle::check(&policy)?;
        template.lifecycle = Some(policy);
    }
    if call.input.get("resourceTags").is_some() {
        template.resource_tags.clear();
        tags::add(&mut template.resource_tags, call.input.list("resourceTags")?)?;
    }
    template.encryption = encryption(call.input)?.or_else(|| template.encryption.take());
    template.description = text("description")?.or_else(|| template.description.take());
    template.role = text("customRoleArn")?.or_else(|| template.role.take());
    template.updated_at_ms = call.account.now_ms();
    Ok(())
}

fn prefix(call: Call<'_>) -> Result<&str, ApiError> {
    let prefix = call.input.required("prefix")?;
    let name = prefix.strip_suffix('/').unwrap_or(prefix);
    // A prefix may have a single character, a repository's name may not.
    if prefix == ROOT || is_repository_name(name) || is_repository_name(&format!("{name}/x")) {
        return Ok(prefix);
    }
    let pattern = r"^([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\/?|ROOT)$";
    Err(invalid("prefix", format_args!("must satisfy regular expression '{pattern}'")))
}

fn answer(call: Call<'_>, prefix: &str, template: &Template) -> Value {
    json!({ "registryId": call.account.account_id(), "repositoryCreationTemplate": template.described(prefix) })
}

fn absent(call: Call<'_>, prefix: &str) -> ApiError {
    let message = format!(
        "The repository creation template with prefix '{prefix}' does not exist in the registry with id '{}'",
        call.account.account_id()
    );
    ApiError::new("TemplateNotFoundException", message)
}
