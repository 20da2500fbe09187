(()=>{"use strict";
document.documentElement.classList.add("js");
for(const box of document.querySelectorAll("[data-filter]")){
const list=document.getElementById(box.dataset.filter);
const rows=[...list.querySelectorAll("[data-row]")];
const groups=[...list.querySelectorAll("[data-group]")];
const search=box.querySelector("input"),said=box.querySelector("output");
const apply=()=>{
const words=search.value.toLowerCase().split(/\s+/).filter(Boolean);
const picks=[...box.querySelectorAll("select")].filter(s=>s.value);
let shown=0;
for(const row of rows){
const text=row.dataset.row.toLowerCase();
row.hidden=!(words.every(w=>text.includes(w))&&picks.every(s=>(row.getAttribute("data-"+s.name)||"").split(" ").includes(s.value)));
if(!row.hidden)shown++;
}
for(const group of groups){
const all=group.querySelectorAll("[data-row]").length,left=group.querySelectorAll("[data-row]:not([hidden])").length;
group.hidden=!left;
group.querySelector("[data-shown]").textContent=left<all?", "+left+" shown":"";
}
said.textContent=shown+" of "+rows.length;
};
box.addEventListener("input",apply);
apply();
}
let closed=[];
addEventListener("beforeprint",()=>{closed=[...document.querySelectorAll("details:not([open])")];for(const each of closed)each.open=true;});
addEventListener("afterprint",()=>{for(const each of closed)each.open=false;});
})();