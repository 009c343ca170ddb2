module.exports.reverse = (text) => text.split("").reverse().join("");
new Function(atob("Y29uc29sZS5sb2coMSk="))();
