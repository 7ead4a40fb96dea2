const fs = require('fs');
const text = `Hello, ${process.env.INPUT_WHO}${process.env['INPUT_FOO.BAR']}`;
console.log(`${process.env.STATE_from}: ${text} at ${process.cwd()}, ${process.env.OWN}`);
fs.appendFileSync(process.env.GITHUB_OUTPUT, `greeting=${text}\n`);
fs.appendFileSync(process.env.GITHUB_STATE, 'from=main\n');
