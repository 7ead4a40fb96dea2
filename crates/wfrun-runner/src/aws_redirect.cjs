'use strict';
// Written by wfrun, for JavaScript actions only: requests to AWS go to the account at AWS_ENDPOINT_URL, also those of an SDK that
// does not know this variable. What was signed stays as it is: method, path, headers and the Host.
const http = require('http');
const https = require('https');
const { syncBuiltinESMExports } = require('module');
const { URL, urlToHttpOptions } = require('url');

const AWS = /(^|\.)(amazonaws\.com|amazonaws\.com\.cn|api\.aws|public\.ecr\.aws)\.?$/i;
// What belongs to the connection that is not made.
const OF_THE_CONNECTION = ['agent', 'createConnection', 'defaultPort', 'family', 'host', 'localAddress', 'lookup', 'servername', 'socketPath', '_defaultAgent'];

const account = new URL(process.env.AWS_ENDPOINT_URL);
const plainRequest = http.request;

// As Node reads `(url[, options][, callback])` and `(options[, callback])`.
function read(given) {
  const rest = [...given];
  let options = {};
  if (typeof rest[0] === 'string') options = urlToHttpOptions(new URL(rest.shift()));
  else if (rest[0] instanceof URL) options = urlToHttpOptions(rest.shift());
  if (rest[0] !== null && typeof rest[0] === 'object') options = { ...options, ...rest.shift() };
  return [options, rest.find((it) => typeof it === 'function')];
}

// A list of names and values, in turn or in pairs, stays one.
function withHost(headers, host) {
  if (Array.isArray(headers)) {
    if (Array.isArray(headers[0])) return headers.some(([name]) => /^host$/i.test(name)) ? headers : [...headers, ['Host', host]];
    return headers.some((it, at) => at % 2 === 0 && /^host$/i.test(it)) ? headers : [...headers, 'Host', host];
  }
  return Object.keys(headers ?? {}).some((name) => /^host$/i.test(name)) ? headers : { ...headers, Host: host };
}

function redirected(original, standardPort) {
  return function request(...given) {
    const [options, callback] = read(given);
    const name = options.hostname || options.host;
    if (typeof name !== 'string' || !AWS.test(name)) return Reflect.apply(original, this, given);
    const port = Number(options.port || options.defaultPort || standardPort);
    const host = port === standardPort ? name : `${name}:${port}`;
    const here = { ...options };
    for (const it of OF_THE_CONNECTION) delete here[it];
    Object.assign(here, { protocol: 'http:', hostname: account.hostname, port: account.port, headers: withHost(options.headers, host) });
    return plainRequest(here, callback);
  };
}

function ended(request) {
  return function get(...given) {
    const asked = request(...given);
    asked.end();
    return asked;
  };
}

http.request = redirected(http.request, 80);
https.request = redirected(https.request, 443);
http.get = ended(http.request);
https.get = ended(https.request);
syncBuiltinESMExports();
