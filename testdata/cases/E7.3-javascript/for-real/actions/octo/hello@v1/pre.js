require('fs').appendFileSync(process.env.GITHUB_STATE, 'from=pre\n');
console.log('pre');
