"""A registry on loopback with one image, a file and nothing else, for those who log in as `me` with `s3cret`."""
import base64, gzip, hashlib, http.server, json, sys, tarfile, io
blobs = {}
def put(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest(); blobs[digest] = data; return digest
def ref(kind, data): return {"mediaType": kind, "size": len(data), "digest": put(data)}
tar = io.BytesIO()
with tarfile.open(fileobj=tar, mode="w") as it:
    info = tarfile.TarInfo("pulled"); info.size = 4; it.addfile(info, io.BytesIO(b"yes\n"))
layer = gzip.compress(tar.getvalue(), mtime=0)
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar.getvalue()).hexdigest()]}}).encode()
docker = "application/vnd.docker."
manifest = json.dumps({"schemaVersion": 2, "mediaType": docker + "distribution.manifest.v2+json", "config": ref(docker + "container.image.v1+json", config), "layers": [ref(docker + "image.rootfs.diff.tar.gzip", layer)]}).encode()
blobs["manifest"] = manifest
wanted = "Basic " + base64.b64encode(b"me:s3cret").decode()
class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = manifest if "/manifests/" in self.path else blobs.get(self.path.rsplit("/", 1)[-1], b"{}")
        if self.headers.get("Authorization") != wanted:
            self.send_response(401); self.send_header("WWW-Authenticate", 'Basic realm="test"'); data = b"{}"
        else:
            self.send_response(200)
        self.send_header("Content-Type", docker + "distribution.manifest.v2+json" if data is manifest else "application/octet-stream")
        self.send_header("Docker-Content-Digest", "sha256:" + hashlib.sha256(data).hexdigest())
        self.send_header("Content-Length", str(len(data))); self.end_headers()
        if self.command == "GET": self.wfile.write(data)
    do_HEAD = do_GET
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print(server.server_address[1], flush=True)
server.serve_forever()
