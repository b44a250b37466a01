package source
import ("testing";"os";"fmt";"time"
"golang.org/x/tools/go/packages"
"golang.org/x/tools/go/analysis"
"golang.org/x/tools/go/analysis/checker")
func TestDump(t *testing.T){
 t0:=time.Now()
 pkgs,err:=packages.Load(&packages.Config{Mode:packages.LoadAllSyntax|packages.NeedModule, Dir:os.Getenv("DUMP")},"./...")
 if err!=nil{t.Fatal(err)}
 fmt.Println("load",time.Since(t0)); t0=time.Now()
 g,err:=checker.Analyze([]*analysis.Analyzer{Analyzer},pkgs,nil)
 if err!=nil{t.Fatal(err)}
 fmt.Println("analyze",time.Since(t0))
 for _,a:=range g.Roots{ fmt.Println(a.Package, a.Err); if p,ok:=a.Result.(*Package);ok{fmt.Println(len(p.Files),p.UsesCgo,len(p.Funcs),p.Notes)
  if os.Getenv("FN")!="" { for _,f:=range p.Funcs{ if f.Name()==os.Getenv("FN"){f.WriteTo(os.Stdout)}}}}}
}
