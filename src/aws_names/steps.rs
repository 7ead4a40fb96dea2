//! What a step names of AWS when its turn comes: its inputs, its variables and its script are known then.
use std::collections::HashSet;

use indexmap::IndexMap;
use wfrun_agent::ecr_registry::account_and_region;
use wfrun_agent::image_name::ImageName;
use wfrun_aws::{UNKNOWN, Wanted, WantedService, WantedTaskDefinition};
use wfrun_engine::{Launch, Program};

use super::scripts::{Asked, CREATING, Call, asked};
use super::{Kind, family};

/// What is known of the workflows before they run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beforehand {
    /// What they create themselves, which is not there before.
    pub(super) created: HashSet<(Kind, String)>,
    /// Kinds of which they create something whose name only a run can tell, and how it begins.
    pub(super) some_created: HashSet<(Kind, String)>,
    /// The containers whose images they set.
    pub(super) containers: Vec<String>,
    /// Whether something says which repositories there are: then a push elsewhere is as wrong as it may be at AWS.
    pub(crate) names_repositories: bool,
}

impl Beforehand {
    /// Takes in an action's manifest or a script in a file: what they create is told by their words alone.
    ///
    /// Task definitions are not among it: most of what registers one has described it before.
    pub(crate) fn read_file(&mut self, text: &str) {
        for (_, operation, _, kind) in CREATING {
            if kind != Kind::Family && text.contains(operation) {
                self.some_created.insert((kind, String::new()));
            }
        }
    }
}

/// The actions whose inputs name something.
const DEPLOY: &str = "aws-actions/amazon-ecs-deploy-task-definition";
const RENDER: &str = "aws-actions/amazon-ecs-render-task-definition";
const BUILD_PUSH: &str = "docker/build-push-action";

/// What a step names that is to be there when it runs, one entry for each region.
pub(crate) fn of_step(launch: &Launch, beforehand: &Beforehand) -> Vec<Wanted> {
    let mut found = Found { beforehand, env: &launch.env, created: HashSet::new(), wanted: IndexMap::new() };
    match &launch.program {
        Program::Script { command, script, .. } => found.read_script(script, command),
        Program::StandIn { .. } | Program::Node { .. } | Program::Container { .. } => found.read_inputs(),
    }
    found.wanted.into_values().collect()
}

struct Found<'l> {
    beforehand: &'l Beforehand,
    env: &'l IndexMap<String, String>,
    /// What the step itself creates.
    created: HashSet<(Kind, String)>,
    /// By region; the account's own has an empty name.
    wanted: IndexMap<String, Wanted>,
}

impl Found<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    fn region(&self) -> String {
        let names = ["INPUT_AWS-REGION", "AWS_REGION", "AWS_DEFAULT_REGION"];
        names.into_iter().find_map(|it| self.variable(it)).unwrap_or_default().to_owned()
    }

    fn read_inputs(&mut self) {
        let region = self.region();
        let input = |name: &str| self.variable(&format!("INPUT_{name}")).map(ToOwned::to_owned);
        let action = self.variable("GITHUB_ACTION_REPOSITORY").unwrap_or_default().to_ascii_lowercase();
        match action.as_str() {
            DEPLOY => {
                let cluster = input("CLUSTER").unwrap_or_else(|| "default".to_owned());
                let by_code_deploy =
                    input("CODEDEPLOY-APPLICATION").or_else(|| input("CODEDEPLOY-DEPLOYMENT-GROUP")).is_some();
                let service = input("SERVICE");
                if let Some(service) = service {
                    self.cluster(&region, &cluster);
                    self.service(&region, WantedService { cluster, service, by_code_deploy });
                }
            }
            RENDER => {
                if let Some(family) = input("TASK-DEFINITION-FAMILY") {
                    self.family(&region, &family);
                }
            }
            BUILD_PUSH if input("PUSH").is_some_and(|it| it.eq_ignore_ascii_case("true")) => {
                let tags = input("TAGS").unwrap_or_default();
                for image in tags.split(['\n', ',']).map(str::trim).filter(|it| !it.is_empty()) {
                    self.image(&region, image);
                }
            }
            _ => {}
        }
    }

    fn read_script(&mut self, script: &str, shell: &str) {
        let shell = shell.rsplit('/').next().unwrap_or_default();
        let asked = asked(script, shell, self.env);
        for it in &asked {
            if let Asked::Aws(call) = it
                && let Some((kind, option)) = call.creates()
            {
                self.created.extend(call.values(option).map(|name| (kind, name.to_owned())));
            }
        }
        for it in &asked {
            match it {
                Asked::Aws(call) => self.read_call(call),
                Asked::Push(image) => self.image(&self.region(), image),
            }
        }
    }

    fn read_call(&mut self, call: &Call) {
        let values = |name: &str| call.values(name).map(ToOwned::to_owned).collect::<Vec<_>>();
        let region = values("--region").into_iter().next().unwrap_or_else(|| self.region());
        match call.service.as_str() {
            "ecs" => {
                let clusters = [values("--cluster"), values("--clusters")].concat();
                let cluster = clusters.first().cloned();
                // One whose name is not known may be any.
                let is_default = !call.options.iter().any(|(option, _)| option == "--cluster");
                let cluster = cluster.or_else(|| is_default.then(|| "default".to_owned()));
                // Other commands without a cluster may not need one.
                let own = cluster.iter().filter(|_| clusters.is_empty() && call.operation == "run-task");
                for cluster in clusters.iter().chain(own) {
                    self.cluster(&region, cluster);
                }
                for service in [values("--service"), values("--services")].concat() {
                    let Some(cluster) = cluster.clone() else { continue };
                    self.service(&region, WantedService { cluster, service, by_code_deploy: false });
                }
                for family in values("--task-definition") {
                    self.family(&region, &family);
                }
            }
            "ecr" => {
                for name in [values("--repository-name"), values("--repository-names")].concat() {
                    self.repository(&region, &name);
                }
            }
            _ => {}
        }
    }

    /// Whether the workflows create it, or may.
    fn is_created(&self, kind: Kind, name: &str) -> bool {
        let key = (kind, name.to_owned());
        let may_be = |(other, beginning): &(Kind, String)| *other == kind && name.starts_with(beginning.as_str());
        self.created.contains(&key)
            || self.beforehand.created.contains(&key)
            || self.beforehand.some_created.iter().any(may_be)
    }

    fn in_region(&mut self, region: &str) -> &mut Wanted {
        let new = || Wanted { region: Some(region.to_owned()).filter(|it| !it.is_empty()), ..Wanted::default() };
        self.wanted.entry(region.to_owned()).or_insert_with(new)
    }

    fn cluster(&mut self, region: &str, name: &str) {
        if !self.is_created(Kind::Cluster, name) {
            self.in_region(region).clusters.push(name.to_owned());
        }
    }

    fn service(&mut self, region: &str, service: WantedService) {
        if !self.is_created(Kind::Service, &service.service) {
            self.in_region(region).services.push(service);
        }
    }

    fn family(&mut self, region: &str, name: &str) {
        let Some(family) = family(name) else { return };
        if !self.is_created(Kind::Family, family) {
            let containers = self.beforehand.containers.clone();
            let definition = WantedTaskDefinition { family: family.to_owned(), containers };
            self.in_region(region).task_definitions.push(definition);
        }
    }

    fn repository(&mut self, region: &str, name: &str) {
        self.named_repository(region, name, name);
    }

    /// `written` may be the name of an image: of another account's registry it is nothing here.
    fn named_repository(&mut self, region: &str, name: &str, written: &str) {
        if !self.is_created(Kind::Repository, name) {
            self.in_region(region).repositories.push(written.to_owned());
        }
    }

    /// The repository of an image that is pushed to the account's registry, by Amazon's name or by its address.
    fn image(&mut self, region: &str, image: &str) {
        let ImageName { host, path, .. } = ImageName::of(image);
        // Its tag may be what only the script knows.
        let is_known = |host: &&str| !host.contains(UNKNOWN) && !path.contains(UNKNOWN);
        let Some(host) = host.filter(is_known).filter(|_| !self.beforehand.names_repositories) else { return };
        // `http://127.0.0.1:PORT`
        let is_loopback = self.variable("AWS_ENDPOINT_URL").is_some_and(|it| it.ends_with(&format!("/{host}")));
        match account_and_region(host) {
            Some((_, region)) => self.named_repository(region, path, &format!("{host}/{path}")),
            None if is_loopback => self.repository(region, path),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use wfrun_engine::FilePaths;
    use wfrun_journal::Phase;
    use wfrun_workflow::UsesTarget;

    use super::*;

    fn launch(program: Program, env: &[(&str, &str)]) -> Launch {
        let [path, variables, summary, state, output, declarations] = std::array::from_fn(|_| String::new());
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let files = FilePaths { path, env: variables, summary, state, output, declarations };
        Launch { program, env, cwd: "/".to_owned(), files }
    }

    fn script(text: &str, env: &[(&str, &str)]) -> Launch {
        let [command, path] = ["/usr/bin/bash", "/x.sh"].map(str::to_owned);
        launch(Program::Script { command, arguments: Vec::new(), script: text.to_owned(), path }, env)
    }

    fn action(name: &str, inputs: &[(&str, &str)]) -> Launch {
        let Some(UsesTarget::Repository(action)) = UsesTarget::parse(&format!("{name}@v2")) else { panic!("{name}") };
        let env: Vec<(&str, &str)> =
            [("GITHUB_ACTION_REPOSITORY", name)].into_iter().chain(inputs.iter().copied()).collect();
        launch(Program::StandIn { action, phase: Phase::Main }, &env)
    }

    /// As `region: repositories; clusters; cluster/service; families`, a line for each region.
    fn shown(launch: &Launch, beforehand: &Beforehand) -> String {
        let one = |it: Wanted| {
            let services = it.services.iter().map(|it| {
                format!("{}/{}{}", it.cluster, it.service, if it.by_code_deploy { " by CodeDeploy" } else { "" })
            });
            let families = it.task_definitions.iter().map(|it| it.family.clone());
            format!(
                "{}: {}; {}; {}; {}",
                it.region.unwrap_or_default(),
                it.repositories.join(" "),
                it.clusters.join(" "),
                services.collect::<Vec<_>>().join(" "),
                families.collect::<Vec<_>>().join(" ")
            )
        };
        of_step(launch, beforehand).into_iter().map(one).collect::<Vec<_>>().join("\n")
    }

    const REGION: (&str, &str) = ("AWS_REGION", "eu-west-1");

    #[test]
    fn what_scripts_name() {
        for (text, found) in [
            (
                "C=web\naws ecs describe-services --cluster $C --services api \"$MORE\"\naws ecs list-tasks --cluster $OTHER",
                "eu-west-1: ; web; web/api web/worker; ",
            ),
            ("aws ecs update-service --service api --task-definition api:3", "eu-west-1: ; ; default/api; api"),
            (
                "aws --region us-east-2 ecs describe-clusters --clusters a b\naws ecs describe-clusters --clusters c",
                "us-east-2: ; a b; ; \neu-west-1: ; c; ; ",
            ),
            (
                "aws ecr describe-images --repository-name a\ndocker push -q 555566667777.dkr.ecr.us-east-1.amazonaws.com/team/b:1",
                "eu-west-1: a; ; ; \nus-east-1: 555566667777.dkr.ecr.us-east-1.amazonaws.com/team/b; ; ; ",
            ),
            (
                "docker push 127.0.0.1:5000/c:1; docker push localhost:5001/d; docker push ghcr.io/e; docker push f",
                "eu-west-1: c; ; ; ",
            ),
            ("docker buildx build --push -t $HOST/g:1 --tag=$HOST/h .", "eu-west-1: g h; ; ; "),
            ("docker build -t $HOST/g:1 .", ""),
            ("docker push $HOST/g:$(git rev-parse HEAD); docker push $HOST/$(x):1", "eu-west-1: g; ; ; "),
            ("aws ecs list-services", ""),
            // What it creates itself, and files.
            ("aws ecr describe-repositories --repository-names n || aws ecr create-repository --repository-name n", ""),
            (
                "aws ecs register-task-definition --family t; aws ecs run-task --cluster c --task-definition t",
                "eu-west-1: ; c; ; ",
            ),
            ("aws ecs run-task --task-definition ./td.json", "eu-west-1: ; default; ; "),
            ("echo aws ecs list-services --cluster no", ""),
        ] {
            let env =
                [REGION, ("MORE", "worker"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"), ("HOST", "127.0.0.1:5000")];
            assert_eq!(shown(&script(text, &env), &Beforehand::default()), found, "{text}");
        }
    }

    #[test]
    fn what_inputs_name() {
        for (name, inputs, found) in [
            (
                DEPLOY,
                &[("INPUT_CLUSTER", "c"), ("INPUT_SERVICE", "s"), ("INPUT_CODEDEPLOY-APPLICATION", ""), REGION][..],
                "eu-west-1: ; c; c/s; ",
            ),
            (
                DEPLOY,
                &[("INPUT_SERVICE", "s"), ("INPUT_CODEDEPLOY-APPLICATION", "a")],
                ": ; default; default/s by CodeDeploy; ",
            ),
            (RENDER, &[("INPUT_TASK-DEFINITION-FAMILY", "f"), REGION], "eu-west-1: ; ; ; f"),
            (
                BUILD_PUSH,
                &[
                    ("INPUT_PUSH", "true"),
                    ("INPUT_TAGS", "1.2.3/x\n123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1,ghcr.io/b"),
                ],
                "us-east-1: 123456789012.dkr.ecr.us-east-1.amazonaws.com/a; ; ; ",
            ),
            (
                BUILD_PUSH,
                &[("INPUT_PUSH", "false"), ("INPUT_TAGS", "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1")],
                "",
            ),
            (DEPLOY, &[("INPUT_TASK-DEFINITION", "td.json")], ""),
            ("octo/deploy", &[("INPUT_CLUSTER", "c"), ("INPUT_SERVICE", "s")], ""),
        ] {
            assert_eq!(shown(&action(name, inputs), &Beforehand::default()), found, "{name} {inputs:?}");
        }
    }

    #[test]
    fn what_workflows_create_is_not_there_before() {
        let beforehand = Beforehand {
            created: [(Kind::Cluster, "mine".to_owned())].into(),
            some_created: [(Kind::Repository, "preview-".to_owned())].into(),
            containers: vec!["one".to_owned(), "two".to_owned()],
            names_repositories: true,
        };
        let text = "aws ecs describe-clusters --clusters mine other\naws ecr describe-images --repository-name preview-7\naws ecs run-task --task-definition t";
        let launch = script(text, &[REGION]);
        assert_eq!(shown(&launch, &beforehand), "eu-west-1: ; other default; ; t");
        assert_eq!(of_step(&launch, &beforehand)[0].task_definitions[0].containers, ["one", "two"]);
        // Where something says which repositories there are, a push elsewhere is not taken for right.
        let push = script("docker push 123456789012.dkr.ecr.us-east-1.amazonaws.com/typo:1", &[]);
        let named = Beforehand { names_repositories: true, ..Beforehand::default() };
        assert_eq!(shown(&push, &named), "");
        assert_ne!(shown(&push, &Beforehand::default()), "");
    }
}
