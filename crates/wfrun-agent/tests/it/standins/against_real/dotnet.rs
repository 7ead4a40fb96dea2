use std::fs;
use std::path::Path;

use super::{Case, compare_prepared};

/// Takes the place of the real action's install script, which downloads: it finds what is asked for among what is there.
const INSTALL: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --runtime) exit 0;;
    --version) wanted=$2;;
    --channel) case $2 in
      LTS) wanted='';;
      *xx) wanted=${2%xx}[0-9][0-9];;
      *) wanted="$2.[0-9]*";;
    esac;;
  esac
  shift
done
found=$(cd "$DOTNET_INSTALL_DIR/sdk" && ls -d ${wanted:-[0-9]*} 2>/dev/null | grep -v rc | sort -V | tail -n 1)
[ -n "$found" ] || found=$(cd "$DOTNET_INSTALL_DIR/sdk" && ls -d "$wanted" 2>/dev/null)
[ -n "$found" ] || { echo "dotnet-install: nothing for $wanted" >&2; exit 1; }
echo "dotnet-install: Installed version is $found"
"#;

/// It knows where packages are.
const DOTNET: &str = "#!/bin/sh
case \"$*\" in
'nuget locals all --list --force-english-output') echo \"http-cache: $HOME/http\"; echo \"global-packages: $HOME/.nuget/packages/\";;
'workload update') echo updated;;
'workload install wasm-tools maui') echo installed $DOTNET_ROOT;;
*) exit 3;;
esac
";

const SDKS: &[(&str, &str)] = &[
    ("dotnet/dotnet", DOTNET),
    ("dotnet/sdk/3.1.426/dotnet.dll", ""),
    ("dotnet/sdk/6.0.428/dotnet.dll", ""),
    ("dotnet/sdk/8.0.100/dotnet.dll", ""),
    ("dotnet/sdk/8.0.119/dotnet.dll", ""),
    ("dotnet/sdk/8.0.404/dotnet.dll", ""),
    ("dotnet/sdk/9.0.100-rc.1.24452.12/dotnet.dll", ""),
    ("work/repo/sub/global.json", r#"{"sdk":{"version":"8.0.100"}}"#),
    ("work/repo/feature/global.json", r#"{"sdk":{"version":"8.0.100","rollForward":"latestFeature"}}"#),
    ("work/repo/patch/global.json", r#"{"sdk":{"version":"8.0.100","rollForward":"latestPatch"}}"#),
    ("work/repo/major/global.json", r#"{"sdk":{"version":"6.0.428","rollForward":"latestMajor"}}"#),
    ("work/repo/minor/global.json", r#"{"sdk":{"version":"8.0.100","rollForward":"latestMinor"}}"#),
    ("work/repo/short/global.json", r#"{"sdk":{"version":"8.0","rollForward":"latestMinor"}}"#),
    ("work/repo/five/global.json", "{ // five\n \"sdk\": { \"version\": \"8.0.100\", /* of them */ },\n}"),
    ("work/repo/packages.lock.json", "{}"),
];

const CONFIG: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <!-- ours -->
  <packageSources>
    <clear />
    <add key="octo" value="https://nuget.octo.io/index.json" />
    <add key="other-1" value="https://NUGET.octo.io/other" />
    <add key="nuget" value="https://api.nuget.org/v3/index.json" />
  </packageSources>
</configuration>
"#;

const NEW: &[u32] = &[5, 6];
const TOKEN: &[(&str, &str)] = &[("DOTNET_INSTALL_DIR", "ROOT/dotnet"), ("NUGET_AUTH_TOKEN", "t<0>&\"k3n\"")];
const SOURCE: (&str, &str) = ("source-url", "https://nuget.octo.io");

const CASES: &[Case] = &[
    case("a version", &[("dotnet-version", "8.0.100")]),
    case("a minor", &[("dotnet-version", "8.0")]),
    case("a minor with x", &[("dotnet-version", "8.0.x")]),
    Case { majors: NEW, ..case("a major", &[("dotnet-version", "8")]) },
    Case { majors: NEW, ..case("an old major", &[("dotnet-version", "3.x")]) },
    case("a band", &[("dotnet-version", "8.0.1xx")]),
    case("an old band", &[("dotnet-version", "3.1.1xx")]),
    case("a candidate", &[("dotnet-version", "9.0.100-rc.1.24452.12")]),
    case("several", &[("dotnet-version", "8.0.100\n6.0\n8.0.100")]),
    case("no version", &[("dotnet-version", "newest")]),
    case("nothing", &[]),
    Case {
        majors: NEW,
        ..case("the newest of a channel", &[("dotnet-version", "Latest"), ("dotnet-channel", "8.0.1xx")])
    },
    Case { majors: NEW, ..case("no channel", &[("dotnet-version", "latest"), ("dotnet-channel", "new")]) },
    Case { majors: NEW, ..case("a channel of nothing", &[("dotnet-version", "8.0"), ("dotnet-channel", "LTS")]) },
    Case { majors: NEW, ..case("no channel of nothing", &[("dotnet-version", "8.0"), ("dotnet-channel", "new")]) },
    case("a file", &[("global-json-file", "sub/global.json")]),
    case("a file and a version", &[("global-json-file", "sub/global.json"), ("dotnet-version", "8.0.404")]),
    case("a file that rolls to the feature", &[("global-json-file", "feature/global.json")]),
    case("a file that rolls to the patch", &[("global-json-file", "patch/global.json")]),
    case("a file that rolls to the minor", &[("global-json-file", "minor/global.json")]),
    case("a file that rolls to the major", &[("global-json-file", "major/global.json")]),
    Case { majors: NEW, ..case("a file that rolls from nothing", &[("global-json-file", "short/global.json")]) },
    Case { majors: &[4, 5, 6], ..case("a file with comments", &[("global-json-file", "five/global.json")]) },
    case("no file", &[("global-json-file", "nowhere/global.json")]),
    case("a released one", &[("dotnet-version", "8.0"), ("dotnet-quality", "ga")]),
    case("a quality of a version", &[("dotnet-version", "8.0.100"), ("dotnet-quality", "ga")]),
    case("no quality", &[("dotnet-version", "8.0"), ("dotnet-quality", "good")]),
    Case { majors: NEW, ..case("an architecture", &[("dotnet-version", "8.0.100"), ("architecture", "AMD64")]) },
    Case { majors: NEW, ..case("no architecture", &[("dotnet-version", "8.0.100"), ("architecture", "z80")]) },
    Case { majors: NEW, ..case("workloads", &[("dotnet-version", "8.0.100"), ("workloads", "wasm-tools, maui,")]) },
    Case { majors: NEW, ..case("no workloads", &[("dotnet-version", "8.0.100"), ("workloads", "nothing")]) },
    case("no boolean", &[("dotnet-version", "8.0.100"), ("cache", "yes")]),
    case("a cache of nobody", &[("dotnet-version", "8.0.100"), ("cache", "true")]),
    case("a source without a token", &[SOURCE]),
    Case { env: TOKEN, ..case("a source", &[SOURCE]) },
    Case { env: TOKEN, ..case("a source of an owner", &[SOURCE, ("owner", "other")]) },
    Case { env: TOKEN, files: &[("work/repo/NuGet.Config", CONFIG)], ..case("a known source", &[SOURCE]) },
    Case {
        env: TOKEN,
        files: &[("work/repo/sub/my.config", CONFIG)],
        ..case("a source of a file", &[SOURCE, ("config-file", "sub/my.config")])
    },
    Case { env: TOKEN, files: &[("work/repo/nuget.config", "<other/>")], ..case("an invalid file", &[SOURCE]) },
];

const fn case(name: &'static str, inputs: &'static [(&'static str, &'static str)]) -> Case {
    Case { name, files: SDKS, inputs, env: &[("DOTNET_INSTALL_DIR", "ROOT/dotnet")], majors: &[], is_unordered: false }
}

#[test]
fn setup_dotnet() {
    let install = |folder: &Path| {
        fs::create_dir_all(folder.join("externals")).expect("can create");
        fs::write(folder.join("externals/install-dotnet.sh"), INSTALL).expect("can write");
    };
    compare_prepared("actions/setup-dotnet", &[3, 4, 5, 6], CASES, install);
}
