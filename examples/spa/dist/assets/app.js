// Which page it is the path says; what is on it comes from the interface.
fetch("/api" + location.pathname)
  .then((answer) => answer.json())
  .then((data) => { document.getElementById("page").textContent = data.path; });
