from flask import Flask, request, render_template_string
app = Flask(__name__)
@app.route("/")
def index():
    return render_template_string("Hello " + request.args["name"])
