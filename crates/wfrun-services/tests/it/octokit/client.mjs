// Asks the API as actions do, and prints what came as one line of JSON.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const home = process.argv[2];
const require = createRequire(path.join(home, 'package.json'));
const load = (name) => import(pathToFileURL(path.join(home, 'node_modules', name, 'lib/github.js')).href).catch(() => import(require.resolve(name)));
const { getOctokit, context } = await load('@actions/github');
const { Octokit } = await import(pathToFileURL(path.join(home, 'node_modules/@octokit/rest/dist-src/index.js')).href);

const token = process.env.TOKEN;
const repo = context.repo;
const octokit = getOctokit(token);
const plain = new Octokit({ auth: token, baseUrl: process.env.GITHUB_API_URL });
const found = { login: repo.owner, number: context.issue.number };
const status = (promise) => promise.then(() => 'nothing', (err) => err.status);
const number = context.issue.number;

found.repository = (await octokit.rest.repos.get(repo)).data.full_name;
found.branch = (await octokit.rest.git.getRef({ ...repo, ref: 'heads/main' })).data.object.sha;
const content = (await octokit.rest.repos.getContent({ ...repo, path: 'src/a.txt' })).data;
found.content = Buffer.from(content.content, 'base64').toString();
found.raw = (await plain.repos.getContent({ ...repo, path: 'src/a.txt', mediaType: { format: 'raw' } })).data;
found.files = (await octokit.paginate(octokit.rest.pulls.listFiles, { ...repo, pull_number: number })).map((it) => it.filename);
const diff = await octokit.rest.pulls.get({ ...repo, pull_number: number, mediaType: { format: 'diff' } });
found.diff = diff.data.startsWith('diff --git');
found.compared = (await octokit.rest.repos.compareCommitsWithBasehead({ ...repo, basehead: 'main...feature/x' })).data.status;
for (let at = 0; at < 45; at += 1) {
  await octokit.rest.issues.createComment({ ...repo, issue_number: number, body: `comment ${at}` });
}
found.comments = (await octokit.paginate(octokit.rest.issues.listComments, { ...repo, issue_number: number })).length;
await octokit.rest.issues.addLabels({ ...repo, issue_number: number, labels: ['size/S'] });
found.labels = (await octokit.rest.issues.listLabelsOnIssue({ ...repo, issue_number: number })).data.map((it) => it.name);
const release = (await octokit.rest.repos.createRelease({ ...repo, tag_name: 'v1.2', generate_release_notes: true })).data;
await octokit.rest.repos.uploadReleaseAsset({ ...repo, release_id: release.id, name: 'a.txt', data: 'text of an asset', url: release.upload_url });
const again = (await octokit.rest.repos.getReleaseByTag({ ...repo, tag: 'v1.2' })).data;
found.release = again.tag_name;
const asset = await octokit.rest.repos.getReleaseAsset({ ...repo, asset_id: again.assets[0].id, headers: { accept: 'application/octet-stream' } });
found.asset = Buffer.from(asset.data).toString();
await plain.repos.createCommitStatus({ ...repo, sha: found.branch, state: 'success', context: 'test' });
found.status = (await plain.repos.getCombinedStatusForRef({ ...repo, ref: 'main' })).data.state;
const check = (await octokit.rest.checks.create({ ...repo, name: 'unit', head_sha: found.branch })).data;
const output = { title: 't', summary: 's', annotations: [{ path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' }] };
found.check = (await octokit.rest.checks.update({ ...repo, check_run_id: check.id, conclusion: 'success', output })).data.status;
await octokit.rest.repos.createOrUpdateFileContents({ ...repo, path: 'deep/new.txt', message: 'by octokit', content: 'eA==', branch: 'main' });
found.committed = (await octokit.rest.repos.listCommits({ ...repo, per_page: 1 })).data[0].commit.message;
found.ref = await status(octokit.rest.git.getRef({ ...repo, ref: 'heads/none' }));
found.bad = await getOctokit('ghs_other').rest.repos.get(repo).catch((err) => [err.status, err.response.data.message]);
found.unserved = await octokit.rest.repos.getPages(repo).catch((err) => [err.status, err.message.includes('--real-github')]);
found.graphql = await octokit.graphql('query { viewer { login } }').catch((err) => [err.status, err.message.includes('GraphQL is not served')]);
console.log(JSON.stringify(found));
