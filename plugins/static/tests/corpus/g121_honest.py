import subprocess, tempfile, os
def thumbnail(video_id: str) -> bytes:
    if not video_id.isalnum():
        raise ValueError("bad id")
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "t.jpg")
        subprocess.run(["ffmpeg", "-i", f"videos/{video_id}.mp4", "-frames:v", "1", out], check=True)
        with open(out, "rb") as f:
            return f.read()
